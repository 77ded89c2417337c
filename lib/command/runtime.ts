/** What a command may touch of the process that it runs in. Interfaces only: cli/runtime.ts has the real one, tests bring fakes. */

import type { Logger } from "./log.ts";

export interface InputStream {
  readonly fd: number;
  readonly isTTY: boolean;
  /** The bytes up to the end of input; may be read once. */
  bytes(): AsyncIterable<Uint8Array>;
}

export interface OutputStream {
  readonly fd: number;
  readonly isTTY: boolean;
  /** Width of the terminal in cells; undefined when it is not one. */
  readonly columns: number | undefined;
  /** Whether to colour: a terminal, and `NO_COLOR` unset or empty. */
  readonly color: boolean;
  /** Queues text or bytes in order. False means that the reader is slow: await `flush()` before the next bulk. */
  write(chunk: string | Uint8Array): boolean;
  /** Resolves when all that was written has been taken by the operating system. */
  flush(): Promise<void>;
}

export type Signal = "SIGHUP" | "SIGINT" | "SIGQUIT" | "SIGTERM" | "SIGUSR1" | "SIGUSR2" | "SIGWINCH";

export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: InputStream;
  /** Data only: what the next program in the pipe reads. */
  readonly stdout: OutputStream;
  /** For people; `log` writes here. */
  readonly stderr: OutputStream;
  readonly log: Logger;
  /** portail's own version. */
  readonly version: string;
  /** Calls `listener` at each such signal instead of the default action; the returned function takes it off again. */
  onSignal(signal: Signal, listener: () => void): () => void;
}
