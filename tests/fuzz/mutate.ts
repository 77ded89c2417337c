/** A few random changes to bytes that were well-formed: inserted, cut out, flipped, moved, cut off. Not a generator of its own. */
import type { Prng } from "../adversarial/prng.ts";

export function mutate(bytes: Buffer, random: Prng): Buffer {
  let out = Buffer.from(bytes);
  for (let changes = random.below(4); changes >= 0; changes--) {
    const at = random.below(out.length + 1);
    const kind = random.below(6);
    if (kind === 0) out = Buffer.concat([out.subarray(0, at), random.bytes(1 + random.below(8)), out.subarray(at)]);
    else if (kind === 1) out = Buffer.concat([out.subarray(0, at), out.subarray(at + random.below(8))]);
    else if (kind === 2 && at < out.length) out[at] = random.below(256);
    else if (kind === 3 && at < out.length) out[at]! ^= 1 << random.below(8);
    else if (kind === 4) out = Buffer.concat([out.subarray(0, at), out.subarray(random.below(out.length + 1))]);
    else out = out.subarray(0, at);
  }
  return out;
}
