/** Facts of a request that providers know: which are asked, in which order, and what comes of it. Decides nothing. */
import type { FactName, Facts, FactValue } from "../acl/facts.ts";
import { formatIp, type Ip } from "../wire/ip.ts";
import type { Key } from "./cache.ts";
import { fills, type Needing } from "./order.ts";
import { NOTHING, type Values } from "./targets.ts";
import type { KeyValue } from "./url-template.ts";

/** A provider that is there to be asked. */
export interface Provider extends Needing {
  /** What it knows of a key; at once if it can. Trouble of whatever kind is knowing nothing. Never rejects. */
  lookup(key: Key): Values | Promise<Values>;
  /** Resolves when nothing is being asked. */
  idle(): Promise<void>;
  /** Gives back what it holds, at once. */
  close(): Promise<void>;
}

/** What each provider said, in their order; a promise where it has not yet. */
type Answers = (Values | Promise<Values>)[];

type FactTable = Readonly<Record<string, FactValue | undefined>>;

/** Characters of a key: what clients make up themselves, and longer than that, is nobody's name. */
const LONGEST_KEY = 1024;

export class Context {
  /** What must be known of a request for providers to be asked, but for what they tell themselves. */
  readonly keys: readonly FactName[];
  readonly #providers: readonly Provider[];
  /** Of each provider, the numbers of those that may fill its key. */
  readonly #after: readonly (readonly number[])[];
  readonly #timeout: number;

  /** `providers` in the order of lib/context/order.ts; `timeout` in milliseconds is for all of them together. */
  constructor(providers: readonly Provider[], timeout: number) {
    this.#providers = providers;
    this.#timeout = timeout;
    this.#after = providers.map((provider, i) =>
      providers.flatMap((other, k) => (k < i && fills(other, provider) ? [k] : [])),
    );
    this.keys = [...new Set(providers.flatMap(({ key }) => key))];
  }

  /**
   * `facts`, and what providers add to them: at once where nobody is asked or all is remembered. What they do not know,
   * or not in time, is missing. A fact that is there already stays, and of two providers the first in order counts.
   */
  complete(facts: Facts): Facts | Promise<Facts> {
    const answers: Answers = [];
    let waits = false;
    for (const i of this.#providers.keys()) {
      const answer = this.#ask(i, facts, answers);
      if (answer instanceof Promise) {
        waits = true;
        answers.push(answer.then((values) => (answers[i] = values)));
      } else answers.push(answer);
    }
    return waits ? this.#wait(facts, answers) : merge(facts, answers);
  }

  /** Ends the providers, each once it has answered what it was asked. */
  async retire(): Promise<void> {
    await Promise.all(this.#providers.map((provider) => provider.idle().then(() => provider.close())));
  }

  /** Ends them now. */
  async close(): Promise<void> {
    await Promise.all(this.#providers.map((provider) => provider.close()));
  }

  #ask(i: number, facts: Facts, answers: Answers): Values | Promise<Values> {
    const provider = this.#providers[i]!;
    if (provider.targets.every(({ fact }) => (facts as FactTable)[fact] !== undefined)) return NOTHING;
    const before = this.#after[i]!.map((k) => answers[k]!);
    if (before.some((answer) => answer instanceof Promise)) {
      return Promise.all(before).then((known) => this.#lookup(provider, facts, known));
    }
    return this.#lookup(provider, facts, before as Values[]);
  }

  #lookup(provider: Provider, facts: Facts, before: readonly Values[]): Values | Promise<Values> {
    const key = keyOf(provider, facts, before);
    return key === undefined ? NOTHING : provider.lookup(key);
  }

  #wait(facts: Facts, answers: Answers): Promise<Facts> {
    const { promise, resolve, reject } = Promise.withResolvers<Facts>();
    const finish = () => resolve(merge(facts, answers));
    const timer = setTimeout(finish, this.#timeout);
    Promise.all(answers).then(finish, reject);
    return promise.finally(() => clearTimeout(timer));
  }
}

/** The facts that a provider is asked by; undefined if one is missing, or is no value to look up. */
function keyOf({ key }: Provider, facts: Facts, before: readonly Values[]): Key | undefined {
  const values: KeyValue[] = [];
  for (const name of key) {
    const value = (facts as FactTable)[name] ?? before.find((known) => known[name] !== undefined)?.[name];
    const scalar = scalarOf(value);
    if (scalar === undefined || scalar === "") return undefined;
    values.push(scalar);
  }
  const text = values.length === 1 ? String(values[0]) : JSON.stringify(values);
  return text.length > LONGEST_KEY ? undefined : { values, text };
}

function scalarOf(value: FactValue | undefined): KeyValue | undefined {
  if (typeof value !== "object") return value;
  return "family" in value ? formatIp(value as Ip) : undefined;
}

function merge(facts: Facts, answers: Answers): Facts {
  let merged: Record<string, FactValue | undefined> | undefined;
  for (const answer of answers) {
    if (answer instanceof Promise || answer === NOTHING) continue;
    merged ??= { ...(facts as FactTable) };
    for (const [name, value] of Object.entries(answer)) merged[name] ??= value;
  }
  return (merged as Facts | undefined) ?? facts;
}
