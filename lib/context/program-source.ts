/** A provider that is a program: asked `{"id":1,"facts":{…}}` on its standard input, and answering `{"id":1,"facts":{…}}`, a line each. */
import type { FactName } from "../acl/facts.ts";
import type { Key, Source } from "./cache.ts";
import { Trouble, type Report } from "./counts.ts";
import { LineProgram, type LineProgramOptions } from "./line-program.ts";
import { NOTHING, valuesOf, type Target, type Values } from "./targets.ts";

/** Questions that may stay unanswered in a row before the program counts as stuck. */
const MOST_SILENT = 16;
/** Lines in a row that are no answers, before it counts as mad: each costs us the reading. */
const MOST_STRAY = 100;

type Answer = Values | Trouble;

export class ProgramSource implements Source {
  readonly #key: readonly FactName[];
  readonly #targets: readonly Target[];
  readonly #program: LineProgram;
  readonly #report: Report;
  /** By id, which is never used twice: a late answer is nobody else's. */
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #ids = 0;
  #silent = 0;
  #stray = 0;

  constructor(key: readonly FactName[], targets: readonly Target[], options: LineProgramOptions, report: Report) {
    this.#key = key;
    this.#targets = targets;
    this.#report = report;
    this.#program = new LineProgram(options, {
      line: (text) => this.#heard(text),
      died: (why) => this.#failAll(new Trouble("down", why)),
    });
  }

  ask({ values }: Key, signal: AbortSignal): Promise<Answer> {
    const id = ++this.#ids;
    const facts = Object.fromEntries(this.#key.map((name, i) => [name, values[i]]));
    const failure = this.#program.send(JSON.stringify({ id, facts }));
    if (failure !== undefined) return Promise.resolve(new Trouble("down", failure));
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.set(id, resolve);
    signal.addEventListener("abort", () => this.#late(id));
    return promise;
  }

  close(): Promise<void> {
    return this.#program.end();
  }

  #heard(text: string | undefined): void {
    const message = text === undefined ? undefined : parseMessage(text);
    if (message === undefined || !this.#asked.has(message.id)) {
      this.#strayed(message === undefined);
      return;
    }
    this.#silent = 0;
    this.#stray = 0;
    const { id, facts } = message;
    if (typeof facts !== "object" || facts === null || Array.isArray(facts)) {
      this.#settle(id, facts === null ? NOTHING : new Trouble("syntax", 'the answer has no "facts"'));
      return;
    }
    this.#program.praise();
    const values = valuesOf(
      this.#targets,
      ({ fact }) => (Object.hasOwn(facts, fact) ? (facts as Record<string, unknown>)[fact] : undefined),
      (target, value) => this.#report.wrongType(target, value),
    );
    this.#settle(id, values);
  }

  /** An id that nobody waits for may be a late answer; what is no answer at all is said once. */
  #strayed(isNone: boolean): void {
    if (isNone) this.#report.once("the program says a line that is no answer");
    if (++this.#stray < MOST_STRAY) return;
    this.#stray = 0;
    this.#program.kill(`the program said ${MOST_STRAY} lines that are no answers`);
  }

  #late(id: number): void {
    if (!this.#asked.has(id)) return;
    this.#settle(id, new Trouble("timeout", "no answer in time"));
    if (++this.#silent < MOST_SILENT) return;
    this.#silent = 0;
    this.#program.kill(`the program left ${MOST_SILENT} questions unanswered`);
  }

  #settle(id: number, answer: Answer): void {
    const resolve = this.#asked.get(id)!;
    this.#asked.delete(id);
    resolve(answer);
  }

  #failAll(trouble: Trouble): void {
    for (const id of this.#asked.keys()) this.#settle(id, trouble);
  }
}

function parseMessage(text: string): { id: number; facts: unknown } | undefined {
  try {
    const message: unknown = JSON.parse(text);
    const { id, facts } = message as { id?: unknown; facts?: unknown };
    return typeof id === "number" ? { id, facts } : undefined;
  } catch {
    return undefined;
  }
}
