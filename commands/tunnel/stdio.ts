/** `--stdio`: one connection, whose client is standard input and output, instead of a listener. */
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { carryStdio as carry, stdioStatus } from "../../lib/service/carry-stdio.ts";
import type { ProcessSettings } from "./process.ts";
import { Refusal } from "./refusal.ts";
import { openProcess } from "./serve.ts";

/** Carries it to its end: the status is `stdioStatus`, or 69 where it was not let through or the target could not be reached. */
export async function carryStdio(runtime: Runtime, settings: ProcessSettings): Promise<ExitStatus> {
  const process = await openProcess(runtime, settings);
  const [tunnel] = process.tunnels;
  try {
    const end = await carry(runtime, { carry: (conn) => tunnel!.carry(conn), cut: () => process.cut() });
    return end instanceof Refusal ? EXIT.unavailable : stdioStatus(end);
  } finally {
    await process.close();
  }
}
