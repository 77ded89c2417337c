/** Real programs: run to their end, or started and watched. In an environment that names no proxy and no home of anybody. */
import { until } from "./until.ts";
import type { Scene } from "./scene.ts";

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  stdin?: string | Uint8Array;
  /** Milliseconds after which it is killed. */
  patience?: number;
}

export interface Outcome {
  /** Null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Daemons stand in folders that an ordinary user's PATH does not name. */
export const PATH = [process.env["PATH"] ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(":");

/** The OpenSSL that a run of the tests is for, where it is not the system's. */
const { PORTAIL_OPENSSL: openssl } = process.env;

const ENVIRONMENT = {
  PATH,
  LANG: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  HOME: "/nonexistent",
  NO_COLOR: "1",
  ...(openssl === undefined ? {} : { PORTAIL_OPENSSL: openssl }),
};

export function environment(more: Record<string, string> = {}): Record<string, string> {
  return { ...ENVIRONMENT, ...more };
}

/** Runs a program to its end. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = Bun.spawn([...command], {
    env: environment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.patience ?? 25_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { status: child.exitCode, stdout, stderr };
}

/** A program that goes on until it is told to stop; killed by its id at the end of the scene at the latest. */
export class Program {
  stdout = "";
  stderr = "";
  readonly #child: Bun.Subprocess<"pipe" | "ignore", "pipe", "pipe">;
  readonly #read: Promise<unknown>;
  readonly #name: string;

  constructor(scene: Scene, command: readonly string[], options: Pick<RunOptions, "cwd" | "env"> & { feed?: boolean }) {
    this.#name = command.join(" ");
    this.#child = Bun.spawn([...command], {
      env: environment(options.env),
      cwd: options.cwd ?? scene.folder,
      stdin: options.feed ? "pipe" : "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#read = Promise.all([
      drain(this.#child.stdout, (text) => (this.stdout += text)),
      drain(this.#child.stderr, (text) => (this.stderr += text)),
    ]);
    scene.defer(() => this.kill());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit status once it has ended, null when a signal ended it; all of its output is there then. */
  get ended(): Promise<number | null> {
    return Promise.all([this.#child.exited, this.#read]).then(() => this.#child.exitCode);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Feeds standard input; only with the option `feed`. */
  async write(text: string | Uint8Array): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === undefined) throw new Error(`${this.#name} is not fed`);
    stdin.write(text);
    await stdin.flush();
  }

  async endInput(): Promise<void> {
    await this.#child.stdin?.end();
  }

  /** Waits until what it wrote matches. */
  output(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    const what = () => `${pattern} on ${stream} of ${this.#name}:\n${this.stdout}${this.stderr}`;
    return until(what, () => {
      const match = pattern.exec(this[stream]);
      if (match === null && !this.running) throw new Error(`it ended (${this.#child.exitCode}) before ${what()}`);
      return match ?? undefined;
    });
  }

  async kill(): Promise<void> {
    if (this.running) this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

async function drain(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
}

export function start(
  scene: Scene,
  command: readonly string[],
  options: ConstructorParameters<typeof Program>[2] = {},
): Program {
  return new Program(scene, command, options);
}
