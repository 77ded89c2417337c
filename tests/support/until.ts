/** Waiting for something to become true. Not a sleep: it ends as soon as it is, and fails loudly when it never is. */

const LOOK = 15;
const PATIENCE = 15_000;

/** Resolves with the first answer of `probe` that is neither undefined nor false; throws after `patience` milliseconds. */
export async function until<T>(
  what: string | (() => string),
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  patience = PATIENCE,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
    await Bun.sleep(LOOK);
  }
}
