/** The real Runtime, over the process. What commands see of its environment and its standard streams. */

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

/**
 * Counts writes by their callbacks: the runtime emits `drain` once per write that it queued, so the first is not the last.
 * A failure of the stream goes to `lost`.
 */
function outputStream(stream: NodeJS.WriteStream, fd: number, env: Runtime["env"], lost: OutputLost): OutputStream {
  const isTTY = stream.isTTY ?? false;
  let outstanding = 0;
  let waiting: (() => void)[] = [];
  const done = (error?: NodeJS.ErrnoException | null) => {
    outstanding--;
    if (error) lost(error);
    if (outstanding > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  stream.on("error", lost);
  return {
    fd,
    isTTY,
    get columns() {
      return isTTY ? stream.columns : undefined;
    },
    color: isTTY && !env["NO_COLOR"],
    write(chunk) {
      outstanding++;
      return stream.write(chunk, done);
    },
    flush: () => (outstanding === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
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
