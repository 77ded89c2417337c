/** Something that listens for one program, from the program's start to its end, with nothing left behind. */
import { constants } from "node:os";
import type { Runtime, Signal } from "../command/runtime.ts";
import type { SocketAddress } from "../net/conn.ts";
import type { ChildCommand, ChildValues } from "./child.ts";

export interface Listening {
  listen(): Promise<void>;
  /** Where it listens. */
  readonly places: readonly SocketAddress[];
  /** Accepts nothing more; resolves when what was accepted has ended. */
  drain(): Promise<void>;
  /** Ends what is open, at once. */
  cut(): void;
  /** Where something else is left to be done. */
  close?(): Promise<void>;
}

/** What would end us alone, with things left behind. */
const ENDING: readonly Signal[] = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"];

/**
 * Listens, runs the program of `command`, which is told where, and resolves with its exit status. A signal that comes
 * before the program keeps it from being started (the status is 128 and its number), one that comes after it is too late.
 * Throws as `ChildCommand.run`.
 */
export async function runForProgram(
  command: () => ChildCommand,
  listening: Listening,
  runtime: Runtime,
): Promise<number> {
  let early: Signal | undefined;
  const off = ENDING.map((signal) => runtime.onSignal(signal, () => (early ??= signal)));
  try {
    await listening.listen();
    if (early !== undefined) return 128 + constants.signals[early];
    return await command().run(valuesOf(listening.places), runtime);
  } finally {
    const drained = listening.drain();
    listening.cut();
    await drained;
    await listening.close?.();
    for (const release of off) release();
  }
}

/** Of the first listener of each kind; empty where there is none. */
function valuesOf(places: readonly SocketAddress[]): ChildValues {
  const tcp = places.find((place) => "ip" in place);
  const unix = places.find((place) => "path" in place);
  return {
    host: tcp !== undefined && "ip" in tcp ? tcp.ip : "",
    port: tcp !== undefined && "ip" in tcp ? String(tcp.port) : "",
    socket: unix !== undefined && "path" in unix ? unix.path : "",
  };
}
