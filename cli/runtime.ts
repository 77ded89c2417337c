/** The real Runtime, over the process. The only place that reads the environment and the standard streams. */

import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import manifest from "../package.json";
import { createLogger } from "../lib/command/log.ts";
import type { InputStream, OutputStream, Runtime } from "../lib/command/runtime.ts";

/** Called when nobody reads standard output any more (`EPIPE`), or it cannot be written. */
export type OutputLost = (error: NodeJS.ErrnoException) => void;

/** The Runtime of this process. */
export function processRuntime(outputLost: OutputLost): Runtime {
  const { env } = process;
  const stderr = outputStream(process.stderr, 2, env, () => {});
  return {
    env,
    cwd: process.cwd(),
    stdin: inputStream(),
    stdout: outputStream(process.stdout, 1, env, outputLost),
    stderr,
    log: createLogger({ stderr, stamped: !stderr.isTTY && !isJournal(env["JOURNAL_STREAM"], stderr.fd) }),
    version: manifest.version,
    onSignal(signal, listener) {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
  };
}

function inputStream(): InputStream {
  return { fd: 0, isTTY: isatty(0), bytes: () => Bun.stdin.stream() };
}

/** A failure of the stream ends in `lost` and settles `flush()`: nobody waits for a reader that is gone. */
function outputStream(stream: NodeJS.WriteStream, fd: number, env: Runtime["env"], lost: OutputLost): OutputStream {
  const isTTY = stream.isTTY ?? false;
  let pending: Promise<void> | undefined;
  let release: (() => void) | undefined;
  const settle = () => {
    release?.();
    pending = release = undefined;
  };
  stream.on("drain", settle);
  stream.on("error", (error: NodeJS.ErrnoException) => {
    settle();
    lost(error);
  });
  return {
    fd,
    isTTY,
    get columns() {
      return isTTY ? stream.columns : undefined;
    },
    color: isTTY && !env["NO_COLOR"],
    write(chunk) {
      const taken = stream.write(chunk);
      if (!taken) pending ??= new Promise((resolve) => (release = resolve));
      return taken;
    },
    flush: () => pending ?? Promise.resolve(),
  };
}

/** Whether `fd` leads to the journal, which stamps lines itself: systemd names its socket as `device:inode`. */
function isJournal(name: string | undefined, fd: number): boolean {
  if (!name) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return name === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
