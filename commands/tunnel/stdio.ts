/** `--stdio`: one connection, whose client is standard input and output, instead of a listener. For ssh ProxyCommand and inetd. */
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { RelayResult } from "../../lib/net/relay.ts";
import { StdioConn } from "../../lib/net/stdio-conn.ts";
import type { ProcessSettings } from "./process.ts";
import { Refusal } from "./refusal.ts";
import { openProcess } from "./serve.ts";

/**
 * Carries it to its end: status 0, 74 where it was cut or broke off, since standard output cannot tell half of a stream
 * from all of it, or 69 where it was not let through or the target could not be reached. A signal cuts it.
 */
export async function carryStdio(runtime: Runtime, settings: ProcessSettings): Promise<ExitStatus> {
  const process = await openProcess(runtime, settings);
  const [tunnel] = process.tunnels;
  const off = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map((signal) => runtime.onSignal(signal, () => process.cut()));
  try {
    const end = await tunnel!.carry(new StdioConn());
    if (end instanceof Refusal) return EXIT.unavailable;
    return isWhole(end) ? EXIT.done : EXIT.io;
  } finally {
    for (const release of off) release();
    await process.close();
  }
}

/** Whether both sides have come to their ends by themselves. */
function isWhole({ by, error }: RelayResult): boolean {
  return error === undefined && (by === "client" || by === "upstream");
}
