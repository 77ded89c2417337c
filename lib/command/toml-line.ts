/** The line of a key in a TOML document, for messages: the parser tells positions of syntax errors only. */

import { parse, type TomlTable } from "smol-toml";

/** Keys and array indices from the top. */
export type KeyPath = readonly (string | number)[];

/**
 * The line, counted from 1, on which the statement that defines `path` begins; 1 when nothing does.
 * Parses the document up to each line in turn, O(lines²): for the one error that ends a start, not for reading.
 */
export function lineOf(text: string, path: KeyPath): number {
  const lines = text.split("\n");
  let complete = 0;
  for (let count = 1; count <= lines.length; count++) {
    const document = tryParse(lines.slice(0, count).join("\n"));
    if (!document) continue;
    if (has(document, path)) return complete + 1;
    complete = count;
  }
  return 1;
}

function tryParse(text: string): TomlTable | undefined {
  try {
    return parse(text, { integersAsBigInt: "asNeeded" });
  } catch {
    return undefined;
  }
}

function has(document: TomlTable, path: KeyPath): boolean {
  let value: unknown = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string | number, unknown>)[key];
  }
  return true;
}
