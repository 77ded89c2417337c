/** Globs of `--allow-cn`, `--allow-ou`, `--allow-dns` and their like: `*` and nothing else. Not regular expressions. */

export interface NameGlob {
  readonly text: string;
  /** Linear in the lengths of glob and name. */
  matches(name: string): boolean;
}

/** `*` stands for any run of characters, none included. Case counts. Without `*` the text must be the name. */
export function compileNameGlob(text: string): NameGlob {
  const run = compileRun(text);
  return { text, matches: (name) => matchesRun(run, name) };
}

/**
 * The same within each label of a DNS name: no `*` reaches beyond a dot, and one that is the whole label stands for one
 * that is not empty. Names are compared without regard to case (RFC 4343).
 */
export function compileDnsGlob(text: string): NameGlob {
  const runs = text.toLowerCase().split(".").map(compileRun);
  return {
    text,
    matches(name) {
      const labels = name.toLowerCase().split(".");
      return labels.length === runs.length && labels.every((label, i) => label !== "" && matchesRun(runs[i]!, label));
    },
  };
}

/** A glob cut at its stars: what the name begins with, what it ends with, and what is in between, in order. */
interface Run {
  readonly first: string;
  /** Undefined where there is no star. */
  readonly last: string | undefined;
  readonly middle: readonly Piece[];
}

interface Piece {
  readonly text: string;
  /** For each length of a beginning: the length of the longest shorter beginning that it ends with. */
  readonly borders: Uint32Array;
}

function compileRun(text: string): Run {
  const [first, ...rest] = text.split("*") as [string, ...string[]];
  const last = rest.pop();
  return { first, last, middle: rest.filter((piece) => piece !== "").map(compilePiece) };
}

function matchesRun({ first, last, middle }: Run, name: string): boolean {
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  // The earliest place of each piece leaves the most room for those behind it.
  let at = first.length;
  for (const piece of middle) {
    at = endOfPiece(piece, name, at);
    if (at === -1) return false;
  }
  return at <= name.length - last.length;
}

/** Knuth, Morris and Pratt: no glob and no name take more than one pass over both. */
function compilePiece(text: string): Piece {
  const borders = new Uint32Array(text.length + 1);
  for (let i = 1, border = 0; i < text.length; i++) {
    while (border > 0 && text[i] !== text[border]) border = borders[border]!;
    if (text[i] === text[border]) border++;
    borders[i + 1] = border;
  }
  return { text, borders };
}

/** Position behind the first occurrence from `at` on, or -1. */
function endOfPiece({ text, borders }: Piece, name: string, at: number): number {
  for (let i = at, length = 0; i < name.length; i++) {
    while (length > 0 && name[i] !== text[length]) length = borders[length]!;
    if (name[i] === text[length]) length++;
    if (length === text.length) return i + 1;
  }
  return -1;
}
