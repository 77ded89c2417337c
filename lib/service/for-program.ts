/** Something that listens for one program, from the program's start to its end, with nothing left behind. */
import type { Runtime } from "../command/runtime.ts";
import type { SocketAddress } from "../net/conn.ts";
import type { ChildCommand, ChildValues } from "./child.ts";

interface Listening {
  listen(): Promise<void>;
  /** Where it listens. */
  readonly places: readonly SocketAddress[];
  /** Accepts nothing more; resolves when what was accepted has ended. */
  drain(): Promise<void>;
  /** Ends what is open, at once. */
  cut(): void;
  /** Where something is left to be written. */
  close?(): Promise<void>;
}

/** Listens, runs `command`, which is told where, and resolves with its exit status. Throws as `ChildCommand.run`. */
export async function runForProgram(command: ChildCommand, listening: Listening, runtime: Runtime): Promise<number> {
  try {
    await listening.listen();
    return await command.run(valuesOf(listening.places), runtime);
  } finally {
    const drained = listening.drain();
    listening.cut();
    await drained;
    await listening.close?.();
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
