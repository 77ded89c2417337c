/** The program's side of the process that has a PKCS#11 module loaded: asks it, bounds what waits, and starts it anew when it dies. */
import { resolve } from "node:path";
import { SignerError } from "../signer.ts";
import { nameOfError } from "../../wire/cryptoki.ts";
import { helperEnvironment } from "./helper.ts";
import type { Answers, Ask, Reply } from "./messages.ts";
import type { Binding } from "./module.ts";

/** A call that the module refused, as the other process told it. */
export class TokenRefusal extends SignerError {
  override readonly name = "TokenRefusal";
  readonly call: string | undefined;
  readonly rv: number;

  constructor(call: string | undefined, rv: number, message: string) {
    super("token.refused", call === undefined ? message : `${call} answered ${nameOfError(rv)}`);
    this.call = call;
    this.rv = rv;
  }
}

/** Asks that may wait; more are refused at once. */
const MOST_WAITING = 1024;
/** Milliseconds in which a module must answer: a person may have to touch something, or to type a PIN. */
const LONGEST = 60_000;
/** Processes that died young, one after the other, of which the next is started at once; then so many milliseconds later. */
const AT_ONCE = 2;
const AGAIN = 1000;

/** The number of the first thing that is asked of each process. */
const LOAD = 0;

interface Waiting {
  readonly ask: Ask;
  /** Nobody wants the answer any more. */
  readonly abandoned: (() => boolean) | undefined;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Running {
  readonly child: Bun.Subprocess;
  /** Handles and logins of another generation mean nothing. */
  readonly generation: number;
  readonly since: number;
}

export class TokenProcess {
  /** The module's path. */
  readonly module: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #binding: Binding | undefined;
  #running: Running | undefined;
  #generation = 0;
  /** How many have died young since one did not. */
  #young = 0;
  /** When it may be started again. */
  #again = -Infinity;
  /** What it is doing. */
  #current: { id: number; waiting: Waiting; timer: ReturnType<typeof setTimeout> } | undefined;
  #queue: Waiting[] = [];
  #ids = LOAD;
  #closed = false;
  #loaded: Answers["load"] | undefined;

  /** `binding` insists on one of them. */
  constructor(module: string, env: Readonly<Record<string, string | undefined>>, binding?: Binding) {
    this.module = module;
    this.#env = env;
    this.#binding = binding;
  }

  /** Grows each time that the module is loaded anew. */
  get generation(): number {
    return this.#generation;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** What was loaded, once anything was answered. */
  get loaded(): Answers["load"] | undefined {
    return this.#loaded;
  }

  /** Rejects with `TokenRefusal` for what the module refuses, with `SignerError` where it does not come to that. */
  ask<O extends Ask["op"]>(ask: Ask & { op: O }, abandoned?: () => boolean): Promise<Answers[O]> {
    return new Promise((resolve, reject) => {
      if (this.#queue.length >= MOST_WAITING) {
        reject(new SignerError("token.busy", `the token is busy: ${MOST_WAITING} requests wait for it`));
        return;
      }
      this.#queue.push({ ask, abandoned, resolve: resolve as (value: unknown) => void, reject });
      this.#next();
    });
  }

  /** Ends it; what waits is refused. */
  close(): void {
    this.#closed = true;
    this.#running?.child.kill("SIGKILL");
    this.#refuseAll(new SignerError("token.closed", "the token is not used any more"));
  }

  #next(): void {
    while (this.#current === undefined) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      if (waiting.abandoned?.()) waiting.reject(new SignerError("token.abandoned", "nobody waits for it any more"));
      else this.#send(waiting);
    }
  }

  #send(waiting: Waiting): void {
    let running: Running;
    try {
      running = this.#started();
    } catch (error) {
      waiting.reject(error as Error);
      return;
    }
    const id = ++this.#ids;
    const timer = setTimeout(() => this.#hangs(), LONGEST);
    this.#current = { id, waiting, timer };
    this.#tell(running.child, { id, ask: waiting.ask });
  }

  #started(): Running {
    if (this.#closed) throw new SignerError("token.closed", "the token is not used any more");
    if (this.#running !== undefined) return this.#running;
    if (performance.now() < this.#again) throw this.#crashed("it is started again in a moment");
    const generation = ++this.#generation;
    const child: Bun.Subprocess = Bun.spawn(helperCommand(), {
      env: helperEnvironment(this.#env),
      // A module may write where it likes, and a crash is told in other words.
      stdio: ["ignore", "ignore", this.#env["PORTAIL_DEBUG"] ? "inherit" : "ignore"],
      detached: true,
      serialization: "advanced",
      ipc: (message) => this.#replied(message as Reply),
      onExit: (_child, status, signal) => this.#ended(child, signal ?? status),
    });
    // It must not keep the program from ending.
    child.unref();
    this.#running = { child, generation, since: performance.now() };
    this.#tell(child, { id: LOAD, ask: { op: "load", path: this.module, binding: this.#binding } });
    return this.#running;
  }

  /** One that has ended, which is not known yet, takes nothing. */
  #tell(child: Bun.Subprocess, message: { id: number; ask: Ask }): void {
    try {
      child.send(message);
    } catch {
      queueMicrotask(() => this.#ended(child, "SIGPIPE"));
    }
  }

  #replied(reply: Reply): void {
    if (reply.id === LOAD) {
      if (reply.ok) this.#loaded = reply.value as Answers["load"];
      else this.#unusable(reply.message);
      return;
    }
    const current = this.#current;
    if (current?.id !== reply.id) return;
    this.#current = undefined;
    clearTimeout(current.timer);
    if (reply.ok) current.waiting.resolve(reply.value);
    else current.waiting.reject(new TokenRefusal(reply.call, reply.rv, reply.message));
    this.#next();
  }

  /** What waits is told; who asks later has it tried again. */
  #unusable(message: string): void {
    const child = this.#running?.child;
    this.#running = undefined;
    child?.kill("SIGKILL");
    const reason = `the PKCS#11 module ${JSON.stringify(this.module)} cannot be used: ${message}`;
    this.#refuseAll(new SignerError("token.module_unusable", reason));
  }

  #hangs(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.waiting.reject(new SignerError("token.timeout", `the token did not answer within ${LONGEST / 1000} s`));
    this.#running?.child.kill("SIGKILL");
  }

  #ended(child: Bun.Subprocess, how: number | string | null): void {
    const running = this.#running;
    if (running?.child !== child) return;
    this.#running = undefined;
    // One that crashes again and again would keep the machine busy.
    const now = performance.now();
    this.#young = now - running.since < AGAIN ? this.#young + 1 : 0;
    if (this.#young > AT_ONCE) this.#again = now + AGAIN;
    this.#refuseAll(this.#crashed(`it ended with ${typeof how === "string" ? "the signal" : "status"} ${how}`));
  }

  #crashed(how: string): SignerError {
    return new SignerError("token.module_crashed", `the PKCS#11 module ${JSON.stringify(this.module)} crashed: ${how}`);
  }

  #refuseAll(error: Error): void {
    const current = this.#current;
    this.#current = undefined;
    clearTimeout(current?.timer);
    current?.waiting.reject(error);
    for (const { reject } of this.#queue.splice(0)) reject(error);
  }
}

/** The compiled program alone, or the runtime with the program's source. */
function helperCommand(): string[] {
  const here = import.meta.dir;
  return here.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, resolve(here, "../../../cli/main.ts")];
}
