/** A Runtime without a process, for tests: streams that remember what was written, signals that tests raise. Not a mock of any command. */

import { createLogger } from "../../../lib/command/log.ts";
import type { OutputStream, Runtime, Signal } from "../../../lib/command/runtime.ts";

interface FakeOutput extends OutputStream {
  /** All that was written so far, as text. */
  text(): string;
}

export interface FakeRuntime extends Runtime {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  /** Calls the listeners of `signal`, as if the process had received it. */
  raise(signal: Signal): void;
}

export interface FakeOptions {
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string | Uint8Array;
  /** Makes standard output and standard error terminals of this width. */
  columns?: number;
}

/** Input is `stdin`, output is remembered. Colour as in the real one: on terminals, but for `NO_COLOR`. */
export function fakeRuntime({ env = {}, cwd = "/", stdin = "", columns }: FakeOptions = {}): FakeRuntime {
  const stderr = fakeOutput(2, columns, env);
  const listeners = new Map<Signal, Set<() => void>>();
  return {
    env,
    cwd,
    stdin: {
      fd: 0,
      isTTY: false,
      async *bytes() {
        yield typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
      },
    },
    stdout: fakeOutput(1, columns, env),
    stderr,
    log: createLogger({ stderr, stamped: false, now: () => new Date(0) }),
    version: "1.2.3",
    onSignal(signal, listener) {
      const set = listeners.get(signal) ?? new Set();
      listeners.set(signal, set.add(listener));
      return () => set.delete(listener);
    },
    raise(signal) {
      for (const listener of listeners.get(signal) ?? []) listener();
    },
  };
}

function fakeOutput(fd: number, columns: number | undefined, env: Record<string, string>): FakeOutput {
  const decoder = new TextDecoder();
  let written = "";
  return {
    fd,
    isTTY: columns !== undefined,
    columns,
    color: columns !== undefined && !env["NO_COLOR"],
    write(chunk) {
      written += typeof chunk === "string" ? chunk : decoder.decode(chunk);
      return true;
    },
    flush: () => Promise.resolve(),
    text: () => written,
  };
}
