/** Names that a reader takes for each other, found without comparing all pairs. Not what the names are of. */

/** Of names that only seem to differ, each later one with the first. O(total length), times the length of a name for swaps. */
export function* similar<T extends { readonly text: string }>(
  names: Iterable<T>,
  skeleton: (text: string) => string,
): Iterable<{ readonly one: T; readonly like: T }> {
  const known = new Map<string, T>();
  for (const one of names) {
    const key = skeleton(one.text);
    const same = known.get(key);
    if (same === undefined) known.set(key, one);
    const like = same ?? [...swaps(key)].map((swapped) => known.get(swapped)).find((found) => found !== undefined);
    if (like !== undefined && like.text !== one.text) yield { one, like };
  }
}

/** The text with two neighbouring letters exchanged, within words of five letters or more. */
function* swaps(text: string): Iterable<string> {
  if (text.length > 64) return;
  for (const { 0: word, index } of text.matchAll(/[a-z]{5,}/g)) {
    for (let i = index; i < index + word.length - 1; i++) {
      if (text[i] !== text[i + 1]) yield text.slice(0, i) + text[i + 1]! + text[i]! + text.slice(i + 2);
    }
  }
}

/** Letters said twice count once, within words of five letters or more. */
export const singled = (text: string): string => text.replace(/[a-z]{5,}/g, (word) => word.replace(/([a-z])\1/g, "$1"));
