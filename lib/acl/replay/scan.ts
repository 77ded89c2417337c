/** Reads the wanted fields out of a line of JSON, in two thirds of the time that JSON.parse takes. It never reads otherwise than that would. */

/** A key at its place in an object: lines of one kind have the same keys in the same order. */
interface Key {
  readonly name: string;
  /** As it stands in the line, with the colon. */
  readonly quoted: string;
  readonly kept: boolean;
}

/** Which keys of an object are kept (all without `wanted`), and those that the last line had. */
class Shape {
  readonly keys: Key[] = [];
  readonly #wanted: ReadonlySet<string> | undefined;

  constructor(wanted?: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  learn(place: number, cut: string): Key {
    // A text cut out of a line holds on to the whole of what was read with it.
    const name = JSON.parse(`"${cut}"`) as string;
    return (this.keys[place] = { name, quoted: `"${name}":`, kept: this.#wanted?.has(name) ?? true });
  }
}

/** Escapes, control characters: seldom in these lines, and JSON.parse knows them all. */
const UNUSUAL = /[\\\u0000-\u001f]/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;
const MOST_KEYS = 64;
const DEEPEST = 4;

export class LineScanner {
  readonly #top: Shape;
  readonly #facts: Shape;
  readonly #other = new Shape();
  #text = "";
  #at = 0;
  #depth = 0;

  /** Keeps these fields of the line, and of its `facts` those with these names. */
  constructor(fields: readonly string[], facts: readonly string[]) {
    this.#top = new Shape(new Set([...fields, "facts"]));
    this.#facts = new Shape(new Set(facts));
  }

  /** The object with what is kept; undefined for anything unusual, of which only JSON.parse can tell what it is. */
  scan(text: string): Record<string, unknown> | undefined {
    if (text.charCodeAt(0) !== BRACE || UNUSUAL.test(text)) return undefined;
    this.#text = text;
    this.#at = 1;
    this.#depth = 0;
    const line = this.#object(this.#top);
    return this.#at === text.length ? line : undefined;
  }

  /** Behind its brace. Undefined is a failure, after which nothing may be read. */
  #object(shape: Shape): Record<string, unknown> | undefined {
    const text = this.#text;
    const object: Record<string, unknown> = {};
    if (++this.#depth > DEEPEST) return undefined;
    for (let place = 0; place < MOST_KEYS; place++) {
      const key = this.#key(shape, place);
      if (key === undefined) return undefined;
      const within = shape === this.#top && key.name === "facts" ? this.#facts : this.#other;
      const value = this.#value(key.kept, within);
      if (value === undefined) return undefined;
      if (key.kept) object[key.name] = value;
      const code = text.charCodeAt(this.#at++);
      if (code === CLOSE_BRACE) {
        this.#depth--;
        return object;
      }
      if (code !== COMMA) return undefined;
    }
    return undefined;
  }

  #key(shape: Shape, place: number): Key | undefined {
    const text = this.#text;
    const known = shape.keys[place];
    if (known !== undefined && text.startsWith(known.quoted, this.#at)) {
      this.#at += known.quoted.length;
      return known;
    }
    const end = text.indexOf('"', this.#at + 1);
    if (text.charCodeAt(this.#at) !== QUOTE || end === -1 || text.charCodeAt(end + 1) !== COLON) return undefined;
    const name = text.slice(this.#at + 1, end);
    this.#at = end + 2;
    return name === "__proto__" ? undefined : shape.learn(place, name);
  }

  /** What is not kept is passed over, as `null`. */
  #value(kept: boolean, within: Shape): unknown {
    const text = this.#text;
    const start = this.#at;
    const code = text.charCodeAt(start);
    if (code === QUOTE) {
      const end = text.indexOf('"', start + 1);
      if (end === -1) return undefined;
      this.#at = end + 1;
      return kept ? text.slice(start + 1, end) : null;
    }
    if (code === BRACE) {
      this.#at++;
      if (text.charCodeAt(this.#at) !== CLOSE_BRACE) return this.#object(within);
      this.#at++;
      return {};
    }
    if (code === BRACKET) return this.#array();
    for (const [word, value] of WORDS) {
      if (code !== word.charCodeAt(0) || !text.startsWith(word, start)) continue;
      this.#at += word.length;
      return value;
    }
    NUMBER.lastIndex = start;
    if (!NUMBER.test(text)) return undefined;
    this.#at = NUMBER.lastIndex;
    return kept ? Number(text.slice(start, this.#at)) : null;
  }

  #array(): unknown[] | undefined {
    const text = this.#text;
    const array: unknown[] = [];
    if (++this.#depth > DEEPEST) return undefined;
    if (text.charCodeAt(++this.#at) === CLOSE_BRACKET) this.#at++;
    else
      for (;;) {
        const value = this.#value(true, this.#other);
        if (value === undefined) return undefined;
        array.push(value);
        const code = text.charCodeAt(this.#at++);
        if (code === CLOSE_BRACKET) break;
        if (code !== COMMA) return undefined;
      }
    this.#depth--;
    return array;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
