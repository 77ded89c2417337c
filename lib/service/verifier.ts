/** A verifier of the operator's own, in a thread of its own and under a deadline. What it is asked about is the caller's. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { Question, Verdict } from "../identity/verifier.ts";

/** Its answer, or that there is none. */
export type Verified =
  | { verdict: "check" | "accept" }
  | { verdict: "refuse"; reason: "verifier_refused" | "verifier_failed" | "verifier_timeout"; message: string };

/** Milliseconds for the module to be loaded. */
const LOADING = 10_000;

/** Runs in the thread, also in the compiled program, which has no file for it. */
const THREAD = `
let loading;
onmessage = async ({ data }) => {
  if (data.module !== undefined) {
    loading = import(data.module).then((module) => module.default);
    try {
      const ready = typeof (await loading) === "function";
      postMessage(ready ? { ready } : { failed: "it has no function as its default export" });
    } catch (error) {
      postMessage({ failed: String(error) });
    }
    return;
  }
  try {
    postMessage({ id: data.id, verdict: await (await loading)(data.question) });
  } catch (error) {
    postMessage({ id: data.id, error: String(error) });
  }
};
`;

interface Waiting {
  question: Question;
  timer: ReturnType<typeof setTimeout>;
  tell: (verified: Verified) => void;
}

export class Verifier {
  readonly #path: string;
  /** Milliseconds. */
  readonly #timeout: number;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker;
  #next = 0;
  #retired = false;
  #closed = false;

  private constructor(path: string, timeout: number) {
    this.#path = path;
    this.#timeout = timeout;
    this.#worker = this.#begin();
  }

  /** Loads the module at `path`, which is absolute. Throws `PortailError` (`verifier.unusable`). */
  static async open(path: string, timeout: number): Promise<Verifier> {
    const verifier = new Verifier(path, timeout);
    const failed = await verifier.#loaded();
    if (failed === undefined) return verifier;
    verifier.close();
    throw new PortailError(`the verifier ${JSON.stringify(path)} cannot be used: ${failed}`, {
      code: "verifier.unusable",
      exit: EXIT.badData,
      hint: "it is a module, TypeScript or JavaScript, whose default export is a function; see examples/verifiers",
    });
  }

  /** Asks it. Never rejects: whatever goes wrong is a refusal. */
  ask(question: Question): Promise<Verified> {
    return new Promise((tell) => {
      this.#post(++this.#next, question, tell);
    });
  }

  #post(id: number, question: Question, tell: Waiting["tell"]): void {
    const timer = setTimeout(() => this.#late(id), this.#timeout);
    this.#waiting.set(id, { question, timer, tell });
    this.#worker.postMessage({ id, question }, []);
  }

  /** Ends the thread once nobody waits: another has taken its place. */
  retire(): void {
    this.#retired = true;
    if (this.#waiting.size === 0) this.close();
  }

  /** Refuses who waits, and ends the thread. */
  close(): void {
    this.#closed = true;
    this.#worker.terminate();
    for (const id of this.#waiting.keys()) this.#settle(id, failed("it was ended"));
  }

  #begin(): Worker {
    const url = URL.createObjectURL(new Blob([THREAD], { type: "application/javascript" }));
    const worker = new Worker(url, { ref: false });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      if (data.id !== undefined) this.#settle(data.id, verifiedOf(data));
    });
    worker.addEventListener("close", () => {
      if (worker === this.#worker && !this.#closed) this.#restart("it ended its thread");
    });
    worker.postMessage({ module: this.#path }, []);
    return worker;
  }

  /** Resolves to what is wrong with it. */
  #loaded(): Promise<string | undefined> {
    const worker = this.#worker;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve("it took too long to load"), LOADING);
      worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
        if (data.ready !== true && data.failed === undefined) return;
        clearTimeout(timer);
        resolve(data.failed);
      });
    });
  }

  /** It may loop for ever: the thread is ended, and the others that wait have their time anew in another. */
  #late(id: number): void {
    this.#settle(id, {
      verdict: "refuse",
      reason: "verifier_timeout",
      message: `the verifier took longer than ${this.#timeout} ms`,
    });
    this.#restart(undefined);
  }

  /** `why` refuses those that wait. */
  #restart(why: string | undefined): void {
    const old = this.#worker;
    if (why !== undefined) for (const id of this.#waiting.keys()) this.#settle(id, failed(why));
    this.#worker = this.#begin();
    old.terminate();
    for (const [id, { question, timer, tell }] of this.#waiting) {
      clearTimeout(timer);
      this.#post(id, question, tell);
    }
  }

  #settle(id: number, verified: Verified): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.tell(verified);
    if (this.#retired && this.#waiting.size === 0 && !this.#closed) this.close();
  }
}

interface Answer {
  id?: number;
  ready?: boolean;
  failed?: string;
  verdict?: unknown;
  error?: string;
}

/** What a module says is only taken where it is exactly a verdict. */
function verifiedOf({ verdict, error }: Answer): Verified {
  if (error !== undefined) return failed(`it threw ${JSON.stringify(error)}`);
  if (verdict === ("check" satisfies Verdict) || verdict === ("accept" satisfies Verdict)) return { verdict };
  const refuse = typeof verdict === "object" && verdict !== null ? (verdict as { refuse?: unknown }).refuse : undefined;
  if (typeof refuse !== "string") return failed("it answered with no verdict");
  return { verdict: "refuse", reason: "verifier_refused", message: `the verifier says ${JSON.stringify(refuse)}` };
}

function failed(why: string): Verified {
  return { verdict: "refuse", reason: "verifier_failed", message: `the verifier failed: ${why}` };
}
