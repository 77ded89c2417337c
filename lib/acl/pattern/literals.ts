/** Recognises patterns that are plain texts in disguise, such as `(^|\.)corp\.test$`. Understands a strict part of the syntax, and gives up on the rest. */

/** One way to match: this text, where `start` and `end` say that it must stand at that end of the subject. */
interface Branch {
  readonly start: boolean;
  readonly end: boolean;
  readonly text: string;
}

export interface Disguise {
  readonly branches: readonly Branch[];
  /** The branches stand for the pattern only on subjects without a line break, which `.` does not match. */
  readonly oneLine: boolean;
}

/** What is sure about every match of a pattern that is more than texts. */
interface Hints {
  readonly beginning: string;
  readonly ending: string;
  /** A text anywhere within, the longest. */
  readonly piece: string;
}

type Atom = { text: string } | { mark: "start" | "end" | "anything" | "unknown" } | { choices: Atom[][] };

const MAX_BRANCHES = 200_000;
const MAX_PRODUCT = 1_000;

/** The texts that the pattern stands for, or undefined if it is more than that. */
export function disguiseOf(pattern: string): Disguise | undefined {
  const tree = new Reader(pattern).read();
  if (tree === undefined) return undefined;
  const branches: Branch[] = [];
  let oneLine = false;
  for (const sequence of expand({ choices: tree })) {
    if (sequence === undefined || branches.length > MAX_BRANCHES) return undefined;
    const branch = branchOf(sequence);
    if (branch === undefined) return undefined;
    oneLine ||= branch.oneLine;
    branches.push(branch);
  }
  return { branches, oneLine };
}

/** Texts that every match starts the subject with, ends it with, and holds; empty where nothing is sure. */
export function hintsOf(pattern: string): Hints {
  const tree = new Reader(pattern).read();
  if (tree?.length !== 1) return { beginning: "", ending: "", piece: "" };
  const atoms = tree[0]!;
  const from = atoms[0];
  const to = atoms.at(-1);
  const starts = from !== undefined && "mark" in from && from.mark === "start";
  const ends = to !== undefined && "mark" in to && to.mark === "end";
  return {
    beginning: starts ? textWhile(atoms.slice(1)) : "",
    ending: ends ? textWhile(atoms.slice(0, -1).reverse(), true) : "",
    piece: atoms.reduce(
      (longest, atom) => ("text" in atom && atom.text.length > longest.length ? atom.text : longest),
      "",
    ),
  };
}

function textWhile(atoms: readonly Atom[], backwards = false): string {
  let text = "";
  for (const atom of atoms) {
    if (!("text" in atom)) break;
    text = backwards ? atom.text + text : text + atom.text;
  }
  return text;
}

/** All plain sequences of an atom, or an `undefined` among them where there are too many. */
function expand(atom: Atom): (Atom[] | undefined)[] {
  if (!("choices" in atom)) return [[atom]];
  const all: (Atom[] | undefined)[] = [];
  for (const sequence of atom.choices) {
    let product: (Atom[] | undefined)[] = [[]];
    for (const part of sequence) {
      const parts = expand(part);
      if (product.length > 1 && parts.length > 1 && product.length * parts.length > MAX_PRODUCT) return [undefined];
      product = product.flatMap((before) => parts.map((next) => before && next && [...before, ...next]));
    }
    for (const one of product) all.push(one);
  }
  return all;
}

function branchOf(sequence: readonly Atom[]): (Branch & { oneLine: boolean }) | undefined {
  let start = false;
  let end = false;
  let text = "";
  let oneLine = false;
  let openEnd = false;
  for (const [i, atom] of sequence.entries()) {
    if ("text" in atom) {
      if (end || openEnd) return undefined;
      text += atom.text;
    } else if ("choices" in atom || atom.mark === "unknown") return undefined;
    else if (atom.mark === "start") {
      if (text !== "" || i > 0) return undefined;
      start = true;
    } else if (atom.mark === "end") {
      // `.*$`: the end is reached if no line break is in the way.
      if (openEnd) oneLine = true;
      else end = true;
    } else if (text === "" && !end) {
      // `^.*x`: x may stand anywhere in a line.
      if (start) oneLine = true;
      start = false;
    } else if (!end) openEnd = true; // behind the end nothing is left to be anything
  }
  if (text === "" && start && openEnd) return undefined;
  return { start, end, text, oneLine };
}

const isPlain = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || code === 0x2d;

/** A reader of the part of the syntax whose meaning is the same in every dialect. */
class Reader {
  #at = 0;
  #depth = 0;
  #failed = false;

  constructor(readonly pattern: string) {}

  read(): Atom[][] | undefined {
    const choices = this.#choices();
    return this.#failed || this.#at < this.pattern.length ? undefined : choices;
  }

  #choices(): Atom[][] {
    const choices = [this.#sequence()];
    while (this.pattern[this.#at] === "|" && !this.#failed) {
      this.#at++;
      choices.push(this.#sequence());
    }
    return choices;
  }

  #sequence(): Atom[] {
    const atoms: Atom[] = [];
    while (this.#at < this.pattern.length && !this.#failed) {
      const char = this.pattern[this.#at]!;
      if (char === "|" || char === ")") break;
      if (this.#plainRun(atoms)) continue;
      const atom = this.#quantified(this.#atom(char));
      const last = atoms.at(-1);
      if ("text" in atom && last !== undefined && "text" in last) last.text += atom.text;
      else atoms.push(atom);
    }
    return atoms;
  }

  /** Takes letters, digits and hyphens at once, all but one that a quantifier may follow. */
  #plainRun(atoms: Atom[]): boolean {
    let end = this.#at;
    while (end < this.pattern.length && isPlain(this.pattern.charCodeAt(end))) end++;
    if (end < this.pattern.length && "*+?{".includes(this.pattern[end]!)) end--;
    if (end <= this.#at) return false;
    const text = this.pattern.slice(this.#at, end);
    this.#at = end;
    const last = atoms.at(-1);
    if (last !== undefined && "text" in last) last.text += text;
    else atoms.push({ text });
    return true;
  }

  #atom(char: string): Atom {
    this.#at++;
    if (char === "^") return { mark: "start" };
    if (char === "$") return { mark: "end" };
    if (char === ".") return { mark: "unknown" };
    if (char === "(") return this.#group();
    if (char === "[") return this.#class();
    if (char === "\\") return this.#escape();
    // Half of a surrogate pair: a quantifier after it would take the pair.
    if (/[*+?{}\]\ud800-\udfff]/.test(char)) return this.#fail();
    return { text: char };
  }

  #group(): Atom {
    if (this.pattern[this.#at] === "?") {
      if (this.pattern[this.#at + 1] !== ":") return this.#fail();
      this.#at += 2;
    }
    if (++this.#depth > 50) return this.#fail();
    const choices = this.#choices();
    this.#depth--;
    if (this.pattern[this.#at++] !== ")") return this.#fail();
    return { choices };
  }

  /** A bracket class without escapes or nesting is understood as "one character". */
  #class(): Atom {
    const found = /^\^?[A-Za-z0-9._-]+\]/.exec(this.pattern.slice(this.#at, this.#at + 100));
    if (found === null) return this.#fail();
    this.#at += found[0].length;
    return found[0] === ".]" ? { text: "." } : { mark: "unknown" };
  }

  #escape(): Atom {
    const char = this.pattern[this.#at++];
    if (char !== undefined && /[dwsDWS]/.test(char)) return { mark: "unknown" };
    if (char === undefined || !/[!-/:-@[-`{-~]/.test(char) || char === "<" || char === ">") return this.#fail();
    return { text: char };
  }

  #quantified(atom: Atom): Atom {
    const sign = this.pattern[this.#at];
    if (sign === undefined || !"*+?{".includes(sign)) return atom;
    const count =
      sign === "{" ? /^\{[0-9]{1,3}(,[0-9]{0,3})?\}/.exec(this.pattern.slice(this.#at, this.#at + 12)) : undefined;
    const after = this.pattern[this.#at + (count?.[0].length ?? 1)];
    if (count === null || (after !== undefined && "*+?{".includes(after))) return this.#fail();
    if (count !== undefined) {
      this.#at += count[0].length;
      return { mark: "unknown" };
    }
    this.#at++;
    const isDot = "mark" in atom && atom.mark === "unknown" && this.pattern[this.#at - 2] === ".";
    if (sign === "*" && isDot) return { mark: "anything" };
    return sign === "?" ? { choices: [[], [atom]] } : { mark: "unknown" };
  }

  #fail(): Atom {
    this.#failed = true;
    return { mark: "unknown" };
  }
}
