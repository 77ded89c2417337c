/** Server names, and what is known under each. Costs grow with the labels of the name that is asked for and with the patterns alone. */
import type { NamePattern } from "./match.ts";
import type { Pattern } from "../../../lib/acl/pattern/pattern.ts";

export class NameIndex<V> {
  readonly #make: () => V;
  readonly #exact = new Map<string, V>();
  readonly #one = new Map<string, V>();
  readonly #deep = new Map<string, V>();
  /** In the order of the file. */
  readonly #patterns = new Map<string, { pattern: Pattern; value: V }>();
  #nameless: V | undefined;

  constructor(make: () => V) {
    this.#make = make;
  }

  get empty(): boolean {
    const named = this.#exact.size + this.#one.size + this.#deep.size + this.#patterns.size;
    return named === 0 && this.#nameless === undefined;
  }

  /** What is known under that pattern; made when first asked for. Undefined is what no name leads to. */
  at(pattern: NamePattern | undefined): V {
    switch (pattern?.kind) {
      case undefined:
        return (this.#nameless ??= this.#make());
      case "exact":
        return this.#in(this.#exact, pattern.name);
      case "one":
        return this.#in(this.#one, pattern.suffix);
      case "deep":
        return this.#in(this.#deep, pattern.suffix);
      case "pattern":
        return this.#ofPattern(pattern.pattern);
    }
  }

  /** Of what leads to no name. */
  get nameless(): V | undefined {
    return this.#nameless;
  }

  /**
   * Exact; then the wildcard with most labels, where the one for one label comes before that for more; then the first pattern
   * that matches; then what stands under no name. `name` is canonical; undefined is a client that asks for none.
   */
  find(name: string | undefined): V | undefined {
    if (name === undefined) return this.#nameless;
    return this.#exact.get(name) ?? this.#wildcard(name) ?? this.#matching(name) ?? this.#nameless;
  }

  /** Whether a pattern lists what it matches, and exact names and wildcards have all of it. Of others nobody knows. */
  isShadowed({ texts }: Pattern): boolean {
    if (texts === undefined) return false;
    const { wholeNames, domainNames, beginnings, endings, pieces } = texts;
    if (beginnings.length + endings.length + pieces.length > 0) return false;
    return (
      wholeNames.every((name) => (this.#exact.get(name) ?? this.#wildcard(name)) !== undefined) &&
      domainNames.every((name) => this.#deepOver(`.${name}`) !== undefined)
    );
  }

  #wildcard(name: string): V | undefined {
    if (this.#one.size === 0 && this.#deep.size === 0) return undefined;
    const dot = name.indexOf(".");
    if (dot === -1) return undefined;
    return this.#one.get(name.slice(dot + 1)) ?? this.#deepOver(name);
  }

  #deepOver(name: string): V | undefined {
    for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
      const found = this.#deep.get(name.slice(dot + 1));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #matching(name: string): V | undefined {
    for (const { pattern, value } of this.#patterns.values()) if (pattern.test(name)) return value;
    return undefined;
  }

  #in(values: Map<string, V>, key: string): V {
    let value = values.get(key);
    if (value === undefined) values.set(key, (value = this.#make()));
    return value;
  }

  #ofPattern(pattern: Pattern): V {
    const known = this.#patterns.get(pattern.text);
    if (known !== undefined) return known.value;
    const value = this.#make();
    this.#patterns.set(pattern.text, { pattern, value });
    return value;
  }
}
