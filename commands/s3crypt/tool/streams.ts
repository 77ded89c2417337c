/** The two ends of a command: files by name, or standard input and output where a name is missing or `-`. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Runtime, Signal } from "../../../lib/command/runtime.ts";
import { libc } from "../../../lib/ffi/libc.ts";
import { OpenSink, openWhole, type Sink } from "../../../lib/service/whole-file.ts";
import { openSource, PIECE, Source } from "./source.ts";

const STOPS: readonly [Signal, number][] = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
];

/** Throws `PortailError`. */
export function openInput({ stdin }: Pick<Runtime, "stdin">, name: string | undefined): Source {
  if (name !== undefined && name !== "-") return openSource(name);
  if (wasClosed(stdin.fd)) {
    throw new PortailError("standard input is closed", {
      code: "input.unreadable",
      exit: EXIT.noInput,
      hint: "nothing at all is < /dev/null",
    });
  }
  return new Source(stdin.fd, "standard input");
}

/** Throws `PortailError`. `text`: what goes there may be read by people, and so may go to a terminal. */
export function openOutput(
  { stdout }: Pick<Runtime, "stdout">,
  name: string | undefined,
  source: Source,
  text: boolean,
): Sink {
  if (name !== undefined && name !== "-") return openWhole(name);
  refuseClosed({ stdout }, "name a file to write to, or > /dev/null for none");
  if (stdout.isTTY && !text) {
    throw new PortailError("an encrypted object is nothing for a terminal", {
      code: "output.terminal",
      exit: EXIT.usage,
      hint: "name a file to write to, or pipe it on",
    });
  }
  if (source.isFileOf(stdout.fd)) {
    throw new PortailError(`${source.name} is the file that standard output goes to`, {
      code: "output.input",
      exit: EXIT.usage,
      hint: "name it as the output, and it is replaced when all was read",
    });
  }
  libc()?.widenPipe(stdout.fd, PIECE);
  return new OpenSink(stdout.fd, "standard output", true);
}

/** Throws `PortailError` (74) where what is printed would go nowhere without anybody knowing. */
export function refuseClosed({ stdout }: Pick<Runtime, "stdout">, hint = "> /dev/null prints nowhere"): void {
  if (wasClosed(stdout.fd))
    throw new PortailError("standard output is closed", { code: "output.write", exit: EXIT.io, hint });
}

/** Where nothing was open the runtime opens /dev/null at its start, which would take all that is written; it closes on exec. */
function wasClosed(fd: number): boolean {
  return libc()?.closesOnExec(fd) ?? false;
}

/**
 * Has signals end the program by way of `exit`, so that what is not whole is taken away. To be called when both ends are open:
 * opening a named pipe waits for its other end, and until that comes nobody would look at a signal.
 */
export function endOnSignals(runtime: Pick<Runtime, "onSignal">): void {
  for (const [signal, number] of STOPS) runtime.onSignal(signal, () => process.exit(128 + number));
}
