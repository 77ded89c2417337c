/** In which order providers are asked: one whose key another may fill comes after it. Asks nobody. */
import type { FactName } from "../acl/facts.ts";
import type { Target } from "./targets.ts";

export interface Needing {
  readonly name: string;
  readonly key: readonly FactName[];
  readonly targets: readonly Target[];
}

/** Two providers or more that wait for each other, each for the next and the last for the first. */
interface Cycle {
  readonly cycle: readonly string[];
}

/** The providers in an order in which each stands behind those that fill its key, else as they came; or why there is none. */
export function inOrder<P extends Needing>(providers: readonly P[]): readonly P[] | Cycle {
  const ordered: P[] = [];
  const path: P[] = [];
  /** The cycle, if `provider` is in one. */
  const visit = (provider: P): Cycle | undefined => {
    if (ordered.includes(provider)) return undefined;
    if (path.includes(provider)) return { cycle: path.slice(path.indexOf(provider)).map(({ name }) => name) };
    path.push(provider);
    for (const other of providers) {
      const cycle = fills(other, provider) ? visit(other) : undefined;
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    ordered.push(provider);
    return undefined;
  };
  for (const provider of providers) {
    const cycle = visit(provider);
    if (cycle !== undefined) return cycle;
  }
  return ordered;
}

/** Those that fill a fact of `wanted`, or the key of one that does. */
export function needed<P extends Needing>(providers: readonly P[], wanted: Iterable<FactName>): readonly P[] {
  const names = new Set<FactName>(wanted);
  for (;;) {
    const found = providers.filter(({ targets }) => targets.some(({ fact }) => names.has(fact)));
    const before = names.size;
    for (const { key } of found) for (const name of key) names.add(name);
    if (names.size === before) return found;
  }
}

/** Whether `provider` fills a key of `other`. */
export function fills(provider: Needing, other: Needing): boolean {
  return provider.targets.some(({ fact }) => other.key.includes(fact));
}
