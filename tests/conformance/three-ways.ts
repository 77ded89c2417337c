/** Reads a message as a stream delivers it: whole, growing byte by byte, and with other bytes behind it. Knows no format. */
import { expect } from "bun:test";
import type { Decoded } from "../../lib/wire/decode.ts";

const BEHIND = [[0], [5, 1, 0], [13, 10], Array.from({ length: 300 }, () => 255)];

/** Expects `value` from all of `bytes` and never from less of it, whatever follows. */
export function expectReads<T>(decode: (bytes: Uint8Array) => Decoded<T>, bytes: Uint8Array, value: T): void {
  for (let length = 0; length < bytes.length; length++) {
    expect(decode(bytes.slice(0, length)), `${length} of ${bytes.length} bytes`).toEqual({ kind: "more" });
  }
  const whole = { kind: "ok", value, length: bytes.length } as const;
  expect(decode(bytes)).toEqual(whole);
  for (const behind of BEHIND) expect(decode(Uint8Array.from([...bytes, ...behind]))).toEqual(whole);
}

/** Bytes from hexadecimal digits, in groups for people. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(digits.replaceAll(" ", ""), "hex"));
}

export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
