/** Content on its way to a client. Its last piece waits until all that had to be read is known to be right: nothing looks whole that is not. */
import type { Exchange } from "./exchange.ts";

/**
 * Writes all of `pieces`, each good until the next is asked for, `length` bytes together; undefined where nobody was told how
 * many. `begin` runs before the first is written, or when there is none: what is wrong before is thrown before it. Throws
 * `Gone`, and what the pieces throw.
 */
export async function writeHeldBack(
  x: Exchange,
  pieces: AsyncIterable<Uint8Array>,
  length: number | undefined,
  begin: () => void,
): Promise<void> {
  let left = length ?? Infinity;
  let last: Uint8Array | undefined;
  let hasBegun = false;
  const beginOnce = () => {
    if (!hasBegun) begin();
    hasBegun = true;
  };
  for await (const piece of pieces) {
    left -= piece.length;
    if (left > 0) {
      beginOnce();
      await x.write(piece);
    } else last = piece.slice();
  }
  beginOnce();
  if (last !== undefined) await x.write(last);
}
