/** Names that a peer sent, in a sentence for people: quoted, few, and short. */

const MOST = 3;
const LONGEST = 80;

/** `"a", "b", "c" and 4 more`; `names` is not empty. */
export function quoteSome(names: readonly string[]): string {
  const shown = names.slice(0, MOST).map((name) => JSON.stringify(shorten(name)));
  return names.length > MOST ? `${shown.join(", ")} and ${names.length - MOST} more` : shown.join(", ");
}

const shorten = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
