/** `--stdio`: one connection, whose client is standard input and output, instead of a listener. For ssh ProxyCommand and inetd. */
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { StdioConn } from "../../lib/net/stdio-conn.ts";
import type { ProcessSettings } from "./process.ts";
import { openProcess } from "./serve.ts";

/**
 * Carries it to its end: status 0, or 69 where it was not let through or the target could not be reached. A signal cuts
 * it.
 */
export async function carryStdio(runtime: Runtime, settings: ProcessSettings): Promise<ExitStatus> {
  const process = await openProcess(runtime, settings);
  const [tunnel] = process.tunnels;
  const off = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map((signal) => runtime.onSignal(signal, () => process.cut()));
  try {
    const refusal = await tunnel!.carry(new StdioConn());
    return refusal === undefined ? EXIT.done : EXIT.unavailable;
  } finally {
    for (const release of off) release();
    await process.close();
  }
}
