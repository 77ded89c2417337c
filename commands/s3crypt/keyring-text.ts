/** A keyring's text with keys added or replaced, and all else as somebody wrote it: comments, order, other tables. Knows no key. */
import { isDeepStrictEqual } from "node:util";
import { parse, stringify, type TomlTable } from "smol-toml";

export type { TomlTable };

/** Ids and values as they are written. */
export type Change =
  | { readonly kind: "add"; readonly id: string; readonly blob: string }
  | { readonly kind: "rewrap"; readonly blobs: ReadonlyMap<string, string>; readonly salt: string | undefined };

/** Integers apart from floats, so that printing makes of each what it was. Throws `TomlError`. */
export const parseToml = (text: string): TomlTable => parse(text, { integersAsBigInt: true });

/** A new keyring, as the reference lays it out. */
export function printKeyring(salt: string | undefined, blobs: ReadonlyMap<string, string>): string {
  const lines = Array.from(blobs, ([id, blob]) => `${id} = "${blob}"\n`);
  return `${salt === undefined ? "" : `salt = "${salt}"\n\n`}[keys]\n${lines.join("")}`;
}

/**
 * `text`, which is a keyring, with `change` made. It is edited in place where that gives exactly the values that it
 * should; where the layout is an unusual one, it is printed anew, which loses comments but no value.
 */
export function rewrite(text: string, change: Change): string {
  const wanted = changed(parseToml(text), change);
  const edited = change.kind === "add" ? addLine(text, change.id, change.blob) : replaceValues(text, change);
  if (isKeyring(edited, wanted)) return edited;
  const printed = stringify(wanted, { numbersAsFloat: true });
  if (!isKeyring(printed, wanted)) throw new Error("a keyring was not printed as it was to be");
  return printed;
}

function isKeyring(text: string, wanted: TomlTable): boolean {
  try {
    return isDeepStrictEqual(parseToml(text), wanted);
  } catch {
    return false;
  }
}

function changed(document: TomlTable, change: Change): TomlTable {
  const keys = document["keys"] as TomlTable;
  if (change.kind === "add") {
    keys[change.id] = change.blob;
    return document;
  }
  for (const [id, blob] of change.blobs) keys[id] = blob;
  if (change.salt === undefined) delete document["salt"];
  else document["salt"] = change.salt;
  return document;
}

/** Behind the line of the key that stands last. */
function addLine(text: string, id: string, blob: string): string {
  const places = blobsOf(text).map(([, old]) => text.lastIndexOf(old));
  const last = Math.max(...places);
  const start = text.lastIndexOf("\n", last) + 1;
  const newline = text.indexOf("\n", last);
  const end = newline === -1 ? text.length : newline + 1;
  const [indent = ""] = /^[ \t]*/.exec(text.slice(start)) ?? [];
  const gap = newline === -1 ? "\n" : "";
  return `${text.slice(0, end)}${gap}${indent}${id} = "${blob}"\n${text.slice(end)}`;
}

function replaceValues(text: string, { blobs, salt }: Extract<Change, { kind: "rewrap" }>): string {
  let result = text;
  for (const [id, old] of blobsOf(text)) result = result.replaceAll(old, () => blobs.get(id)!);
  const before = parseToml(text)["salt"] as string | undefined;
  if (before === undefined) return salt === undefined ? result : `salt = "${salt}"\n${result}`;
  if (salt !== undefined) return result.replaceAll(before, () => salt);
  return result.replace(/^[ \t]*salt[ \t]*=.*(?:\r?\n|$)/m, "");
}

const blobsOf = (text: string) => Object.entries(parseToml(text)["keys"] as Record<string, string>);
