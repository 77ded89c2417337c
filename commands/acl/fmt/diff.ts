/** Two texts as a unified diff, as patch(1) takes it. Not a word diff. */

/** Lines around a change. */
const CONTEXT = 3;
/** More edits than this are shown as one replacement: the search costs lines times edits. */
const MOST_EDITS = 2_000;

/** `---`, `+++` and hunks; empty if the texts are the same. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const hunks = hunksOf(editsOf(old, fresh)).map((hunk) => printHunk(hunk, old, fresh));
  return `--- ${name}.orig\n+++ ${name}\n${hunks.join("")}`;
}

/** Lines with their line breaks, so that a last line without one differs. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** `old[from, to)` becomes `fresh[newFrom, newTo)`. */
interface Edit {
  from: number;
  to: number;
  newFrom: number;
  newTo: number;
}

/** Ascending, apart from each other, none empty. */
function editsOf(old: readonly string[], fresh: readonly string[]): Edit[] {
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  const most = Math.min(old.length, fresh.length) - head;
  while (tail < most && old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]) tail++;
  const [end, newEnd] = [old.length - tail, fresh.length - tail];
  const rounds = search(old.slice(head, end), fresh.slice(head, newEnd));
  if (rounds === undefined) return [{ from: head, to: end, newFrom: head, newTo: newEnd }];
  return joined(walkBack(rounds, end - head, newEnd - head)).map((edit) => ({
    from: edit.from + head,
    to: edit.to + head,
    newFrom: edit.newFrom + head,
    newTo: edit.newTo + head,
  }));
}

/**
 * Myers' greedy search: before each round (one more edit), the furthest place in `old` reached on every diagonal, up to
 * the round that gets to the end. Diagonal `d` stands at `d + round + 1`.
 */
function search(old: readonly string[], fresh: readonly string[]): Int32Array[] | undefined {
  const rounds: Int32Array[] = [];
  let furthest = Int32Array.of(-1, -1, 0);
  for (let edits = 0; edits <= Math.min(MOST_EDITS, old.length + fresh.length); edits++) {
    rounds.push(furthest);
    const next = new Int32Array(furthest.length + 2).fill(-1);
    next.set(furthest, 1);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = enter(furthest, diagonal, edits).x;
      while (x < old.length && x - diagonal < fresh.length && old[x] === fresh[x - diagonal]) x++;
      next[diagonal + edits + 2] = x;
      if (x >= old.length && x - diagonal >= fresh.length) return rounds;
    }
    furthest = next;
  }
  return undefined;
}

/** From the diagonal above by an insertion, or from the one below by a deletion, whichever got further. */
function enter(furthest: Int32Array, diagonal: number, edits: number): { x: number; inserted: boolean } {
  const below = furthest[diagonal + edits]!;
  const above = furthest[diagonal + edits + 2]!;
  const inserted = diagonal === -edits || (diagonal !== edits && below < above);
  return { x: inserted ? above : below + 1, inserted };
}

/** Single insertions and deletions, first to last. */
function walkBack(rounds: readonly Int32Array[], oldLength: number, newLength: number): Edit[] {
  const edits: Edit[] = [];
  let [x, y] = [oldLength, newLength];
  for (let round = rounds.length - 1; round > 0; round--) {
    const diagonal = x - y;
    const { x: to, inserted } = enter(rounds[round]!, diagonal, round);
    const newTo = to - diagonal;
    [x, y] = inserted ? [to, newTo - 1] : [to - 1, newTo];
    edits.push({ from: x, to, newFrom: y, newTo });
  }
  return edits.toReversed();
}

/** Edits that touch become one. */
function joined(edits: readonly Edit[]): Edit[] {
  const result: Edit[] = [];
  for (const edit of edits) {
    const last = result.at(-1);
    if (last !== undefined && last.to === edit.from && last.newTo === edit.newFrom) {
      last.to = edit.to;
      last.newTo = edit.newTo;
    } else result.push({ ...edit });
  }
  return result;
}

function hunksOf(edits: readonly Edit[]): Edit[][] {
  const hunks: Edit[][] = [];
  for (const edit of edits) {
    const last = hunks.at(-1)?.at(-1);
    if (last !== undefined && edit.from - last.to <= 2 * CONTEXT) hunks.at(-1)!.push(edit);
    else hunks.push([edit]);
  }
  return hunks;
}

function printHunk(edits: readonly Edit[], old: readonly string[], fresh: readonly string[]): string {
  const [first, last] = [edits[0]!, edits.at(-1)!];
  const lead = Math.min(CONTEXT, first.from);
  const trail = Math.min(CONTEXT, old.length - last.to);
  const [from, to] = [first.from - lead, last.to + trail];
  const [newFrom, newTo] = [first.newFrom - lead, last.newTo + trail];
  const lines: string[] = [];
  let at = from;
  for (const edit of edits) {
    for (const line of old.slice(at, edit.from)) lines.push(printLine(" ", line));
    for (const line of old.slice(edit.from, edit.to)) lines.push(printLine("-", line));
    for (const line of fresh.slice(edit.newFrom, edit.newTo)) lines.push(printLine("+", line));
    at = edit.to;
  }
  for (const line of old.slice(at, to)) lines.push(printLine(" ", line));
  return `@@ -${range(from, to)} +${range(newFrom, newTo)} @@\n${lines.join("")}`;
}

/** An empty range names the line before it. */
const range = (from: number, to: number): string => `${to > from ? from + 1 : from},${to - from}`;

const printLine = (mark: string, line: string): string =>
  line.endsWith("\n") ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`;
