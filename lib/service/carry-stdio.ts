/** One connection whose client is standard input and output, for ssh ProxyCommand and inetd. What it is led to is the command's. */
import { EXIT, type ExitStatus } from "../command/errors.ts";
import type { Runtime } from "../command/runtime.ts";
import type { Conn } from "../net/conn.ts";
import type { RelayResult } from "../net/relay.ts";
import { StdioConn } from "../net/stdio-conn.ts";

/** What leads connections on. */
interface Carrier<R> {
  /** Resolves at the connection's end: with how it ended, or why it was not led on. */
  carry(conn: Conn): Promise<RelayResult | R>;
  /** Ends what is open, at once. */
  cut(): void;
}

/** Carries it to its end; a signal cuts it. */
export async function carryStdio<R>(runtime: Runtime, carrier: Carrier<R>): Promise<RelayResult | R> {
  const off = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map((signal) => runtime.onSignal(signal, () => carrier.cut()));
  try {
    return await carrier.carry(new StdioConn());
  } finally {
    for (const release of off) release();
  }
}

/** 0, or 74 where it was cut or broke off, since standard output cannot tell half of a stream from all of it. */
export function stdioStatus({ by, error }: RelayResult): ExitStatus {
  return error === undefined && (by === "client" || by === "upstream") ? EXIT.done : EXIT.io;
}
