/** FNV-1a, 64 bits in hex: names a policy set where the caller gives no digest. Not for security. */

/** Source: draft-eastlake-fnv, with the 64-bit basis and prime held as 16-bit limbs. */
export function fnv1a(bytes: Uint8Array): string {
  // hash = a·2^48 + b·2^32 + c·2^16 + d; prime = 2^40 + 0x1b3
  let [a, b, c, d] = [0xcbf2, 0x9ce4, 0x8422, 0x2325];
  for (let i = 0; i < bytes.length; i++) {
    d ^= bytes[i]!;
    const low = d * 0x1b3;
    const second = c * 0x1b3 + (low >>> 16);
    const third = b * 0x1b3 + (second >>> 16) + ((d << 8) & 0xffff);
    const top = a * 0x1b3 + (third >>> 16) + ((c << 8) & 0xffff) + (d >>> 8);
    // (d << 8) overflows its limb into the next: d >>> 8 above.
    [a, b, c, d] = [top & 0xffff, third & 0xffff, second & 0xffff, low & 0xffff];
  }
  return [a, b, c, d].map((limb) => limb.toString(16).padStart(4, "0")).join("");
}
