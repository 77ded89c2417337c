/** Sixteen random bits at a time, as nobody can guess them: for ids, ports and the case of letters. */

const words = new Uint16Array(4096);
let at = words.length;

export function randomWord(): number {
  if (at === words.length) {
    crypto.getRandomValues(words);
    at = 0;
  }
  return words[at++]!;
}

/** 0 to `below` - 1, for a `below` that is small beside 65,536. */
export function randomBelow(below: number): number {
  return randomWord() % below;
}
