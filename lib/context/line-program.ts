/** A program that is spoken to in lines: started when it is needed, again after its death, and ended with us. What the lines say is not its business. */
import type { Logger } from "../command/log.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { Lines } from "./lines.ts";

/** Milliseconds between a death and the next start: doubled with each that follows without a good word in between. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 60_000;
/** Milliseconds that it has to end by itself once its input has ended, and then once it has been told to. */
const LEAVE = 500;
const TERMINATE = 1500;
/** Bytes of a line of its standard error that are passed on to the log. */
const MOST_SAID = 1024;
/** What the service manager means for us alone. */
const OURS = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

export interface LineProgramOptions {
  /** The program as an absolute path, and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Bytes of a line. */
  readonly most: number;
  readonly name: string;
  readonly log: Logger;
}

interface LineProgramEvents {
  /** A line of its standard output; undefined for one that is not UTF-8. */
  line(text: string | undefined): void;
  /** It is gone, or as good as gone; `why` is half a sentence. Whatever it was asked is not going to be answered. */
  died(why: string): void;
}

type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

export class LineProgram {
  readonly #options: LineProgramOptions;
  readonly #events: LineProgramEvents;
  #child: Child | undefined;
  #pause = FIRST_PAUSE;
  #notBefore = -Infinity;
  #ended = false;
  readonly #killAll = () => this.#signal(this.#child, "SIGKILL");

  constructor(options: LineProgramOptions, events: LineProgramEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Sends a line, to a new program where there is none. Answers why it cannot. */
  send(line: string): string | undefined {
    if (this.#child === undefined) {
      if (this.#ended || performance.now() < this.#notBefore) return "the program ended a moment ago";
      const failure = this.#start();
      if (failure !== undefined) return failure;
    }
    const { stdin } = this.#child!;
    // What it does not read waits in memory: how much that can be is bounded by how much it is asked.
    stdin.write(`${line}\n`);
    void Promise.resolve(stdin.flush()).catch(() => {});
    return undefined;
  }

  /** It does what it is there for: after its death it may be started anew soon. */
  praise(): void {
    this.#pause = FIRST_PAUSE;
  }

  /** Ends it now, for what it did. */
  kill(why: string): void {
    const child = this.#child;
    if (child === undefined) return;
    this.#forget(why);
    this.#signal(child, "SIGKILL");
  }

  /** Lets it end, and makes it: resolves when it is gone. It is not started again. */
  async end(): Promise<void> {
    this.#ended = true;
    const child = this.#child;
    if (child === undefined) return;
    try {
      await child.stdin.end();
    } catch {
      // It closed its side already.
    }
    const timers = [
      setTimeout(() => this.#signal(child, "SIGTERM"), LEAVE),
      setTimeout(() => this.#signal(child, "SIGKILL"), LEAVE + TERMINATE),
    ];
    await child.exited;
    for (const timer of timers) clearTimeout(timer);
  }

  #start(): string | undefined {
    const { command, cwd, env, log, name } = this.#options;
    const inherited = Object.entries(env).filter(([each]) => !OURS.includes(each));
    let child: Child;
    try {
      child = Bun.spawn([...command], {
        cwd,
        env: Object.fromEntries(inherited),
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
        // A ^C is for us; and what it starts itself ends with it.
        detached: true,
      });
    } catch (error) {
      this.#wait();
      return `the program cannot be started: ${(error as { code?: string }).code ?? "unknown"}`;
    }
    this.#child = child;
    process.once("exit", this.#killAll);
    log.debug(`provider ${name}: the program was started`, { pid: child.pid });
    void this.#read(child);
    void this.#passOn(child);
    void child.exited.then(() => {
      const status = child.signalCode ?? child.exitCode;
      if (this.#child === child) this.#forget(`the program ended (${status})`);
    });
    return undefined;
  }

  async #read(child: Child): Promise<void> {
    const lines = new Lines(this.#options.most);
    for await (const chunk of chunksOf(child.stdout)) {
      if (this.#child !== child) return;
      const complete = lines.take(chunk);
      if (complete === undefined) {
        this.kill(`the program said a line longer than ${this.#options.most} bytes`);
        return;
      }
      for (const line of complete) if (this.#child === child) this.#events.line(decodeUtf8(line));
    }
    // It may live on, but there is nothing more to hear from it. One that just ended is told apart by its status.
    setTimeout(() => {
      if (this.#child === child) this.kill("the program closed its standard output");
    }, LEAVE);
  }

  /** Its standard error is for the log. */
  async #passOn(child: Child): Promise<void> {
    const { log, name } = this.#options;
    let held = "";
    const say = (line: string) => {
      if (line.trim() !== "") log.warn(`provider ${name} says: ${line.slice(0, MOST_SAID)}`);
    };
    const decoder = new TextDecoder();
    for await (const chunk of chunksOf(child.stderr)) {
      const lines = (held + decoder.decode(chunk, { stream: true })).split("\n");
      held = lines.pop()!.slice(0, MOST_SAID);
      for (const line of lines) say(line);
    }
    say(held);
  }

  #forget(why: string): void {
    this.#child = undefined;
    process.off("exit", this.#killAll);
    this.#wait();
    this.#events.died(why);
  }

  #wait(): void {
    this.#notBefore = performance.now() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  /** To all that it started, too. */
  #signal(child: Child | undefined, signal: NodeJS.Signals): void {
    if (child === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      child.kill(signal);
    }
  }
}

/** A stream that breaks off has ended. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk;
  } catch {
    // The program is gone; its exit says how.
  }
}
