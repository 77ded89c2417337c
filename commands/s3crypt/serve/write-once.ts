/** Rights to upload that may be used once, held in a registry. What keeps the registry comes with S3 mode: here is how it is asked. */
import { Trouble } from "./trouble.ts";

export interface WriteOnce {
  /**
   * Takes the right to write `path` (in its canonical spelling) until `expiry`, milliseconds since 1970. False where it
   * was taken. Rejects where the registry does not answer.
   */
  take(path: string, expiry: number): Promise<boolean>;
  /** Gives it back: the upload came to nothing. */
  give(path: string): Promise<void>;
  /** Whether uploads go on where the registry does not answer. */
  readonly failsOpen: boolean;
}

/**
 * Does `upload` if its right is there to be taken, and gives it back unless the upload answers that there is an object now.
 * Throws `Trouble` (403) for a right that was used, and where nobody can tell whether it was.
 */
export async function onceOnly(
  registry: WriteOnce,
  path: string,
  expiry: number,
  upload: () => Promise<boolean>,
): Promise<void> {
  const taken = await registry.take(path, expiry).catch(() => undefined);
  if (taken === false) throw new Trouble("used_up", "this right to upload was used already");
  if (taken === undefined && !registry.failsOpen)
    throw new Trouble("used_up", "whether this right to upload was used cannot be told now");
  let stored = false;
  try {
    stored = await upload();
  } finally {
    // Whoever cannot give it back has lost it: it was not used, and will not be.
    if (taken === true && !stored) await registry.give(path).catch(() => {});
  }
}
