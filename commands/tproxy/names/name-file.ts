/** The text in which names and numbers are kept: a head that says of which ranges, then a line `NUMBER NAME` for each pair, a later one in the place of earlier ones. Opens nothing. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { AddressRange } from "./address-range.ts";

/** The first line. */
export function headOf(ranges: readonly AddressRange[]): string {
  return `portail-names 1 ${ranges.map(({ text }) => text).join(" ")}\n`;
}

/**
 * The names by number, in the order of the lines that count. What stands behind the last end of a line was never told to anybody.
 * Throws `PortailError` (65) for anything that `head` and pairs do not explain.
 */
export function parseNameFile(bytes: Uint8Array, head: string, path: string): Map<number, string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const names = new Map<number, string>();
  const numbers = new Map<string, number>();
  const end = text.lastIndexOf("\n") + 1;
  if (end === 0) {
    if (head.startsWith(text)) return names;
    throw broken(path, 1);
  }
  const [first, ...lines] = text.slice(0, end - 1).split("\n");
  if (`${first}\n` !== head) throw first!.startsWith("portail-names 1 ") ? otherRanges(path, first!) : broken(path, 1);
  for (const [i, line] of lines.entries()) {
    const [, digits, name] = /^([1-9][0-9]{0,6}) ([a-z0-9_.-]{1,253})$/.exec(line) ?? [];
    if (name === undefined) throw broken(path, i + 2);
    const number = Number(digits);
    const before = numbers.get(name);
    if (before !== undefined) names.delete(before);
    const other = names.get(number);
    if (other !== undefined) numbers.delete(other);
    names.delete(number);
    names.set(number, name);
    numbers.set(name, number);
  }
  return names;
}

function broken(path: string, line: number): PortailError {
  return new PortailError(`${JSON.stringify(path)} is no file of names: line ${line} makes no sense`, {
    code: "tproxy.state_broken",
    exit: EXIT.badData,
    hint: "move it away to begin anew; programs that still know an address from it must be started again",
  });
}

function otherRanges(path: string, first: string): PortailError {
  const ranges = first.split(" ").slice(2).join(" and ");
  return new PortailError(`${JSON.stringify(path)} holds names of other ranges: ${ranges}`, {
    code: "tproxy.state_ranges",
    exit: EXIT.config,
    hint: "give the same --range as before, or another --state",
  });
}
