/** Base64 in the one spelling of RFC 4648, section 4. What is spelt otherwise is refused, never repaired. */

/** The bytes, or undefined for another alphabet, padding, stray bits, white space, or another length than `length`. */
export function decodeBase64(text: string, length: number): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length && bytes.toString("base64") === text ? bytes : undefined;
}
