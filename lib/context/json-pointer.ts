/** JSON pointers (RFC 6901): parsed once, followed in any document. Knows no fact. */

/** Reference tokens, unescaped; none is the whole document. */
export type JsonPointer = readonly string[];

/** The tokens of `text`, or undefined where it is no pointer: not empty and without `/` in front, or with a lone `~`. */
export function parsePointer(text: string): JsonPointer | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What `pointer` leads to in `document`; undefined where it leads nowhere. */
export function follow(document: unknown, pointer: JsonPointer): unknown {
  let value = document;
  for (const token of pointer) {
    if (Array.isArray(value)) value = isIndex(token) ? value[Number(token)] : undefined;
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, token))
      value = (value as Record<string, unknown>)[token];
    else return undefined;
  }
  return value;
}

/** Section 4: digits without a leading zero. `-` is the item behind the last one, which is never there. */
const isIndex = (token: string): boolean => /^(?:0|[1-9][0-9]{0,15})$/.test(token);
