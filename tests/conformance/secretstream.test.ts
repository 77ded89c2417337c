/** secretstream_xchacha20poly1305 is what libsodium makes of it, by every engine: libsodium reads ours and we read its. */
import { describe, expect, test } from "bun:test";
import { FORGED, MESSAGE_OVERHEAD, type MessageCipher } from "../../lib/cipher/engine.ts";
import { nobleMessages } from "../../lib/cipher/noble.ts";
import { SecretstreamIndexReader, SecretstreamReader, SecretstreamWriter, TAG } from "../../lib/cipher/secretstream.ts";
import { libcryptoMessages } from "../../lib/ffi/libcrypto.ts";
import { createPrng } from "../adversarial/prng.ts";
import { LIBSODIUM, libsodiumPath, openLibsodium } from "../support/libsodium.ts";
import { leaveOut } from "../support/needs.ts";

const libcrypto = libcryptoMessages();
if (libcrypto === undefined) leaveOut("secretstream by libcrypto", ["libcrypto.so.3"]);
const ENGINES: [string, MessageCipher][] = [["noble", nobleMessages]];
if (libcrypto !== undefined) ENGINES.push(["libcrypto", libcrypto]);
/** Messages that both engines are compared on. */
const MANY = 100_000;
const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 4095, 16_383, 16_384, 16_385, 100_000];

describe.each(ENGINES)("by %s", (_, cipher) => {
  if (libsodiumPath === undefined) return leaveOut("secretstream beside libsodium", [LIBSODIUM]);
  const sodium = openLibsodium();

  test.each([TAG.message, TAG.push, TAG.rekey, TAG.final])("streams of all lengths, tag %i", (tag) => {
    const random = createPrng(tag + 1);
    const key = random.bytes(32);
    const theirs = sodium.push(key);
    const reader = new SecretstreamReader(cipher, key, theirs.header);
    const header = random.bytes(24);
    const writer = new SecretstreamWriter(cipher, key, header);
    const pull = sodium.pull(key, header);
    for (const length of LENGTHS) {
      const message = random.bytes(length);
      const out = new Uint8Array(length + 3);
      expect(reader.open(theirs.seal(message, tag), out, 2)).toBe(tag);
      expect(Buffer.from(out.subarray(2, -1)).equals(message)).toBe(true);
      const sealed = new Uint8Array(length + MESSAGE_OVERHEAD + 5);
      expect(writer.seal(message, tag, sealed, 3)).toBe(length + MESSAGE_OVERHEAD);
      const got = pull(sealed.slice(3, -2));
      expect(got?.tag).toBe(tag);
      expect(Buffer.from(got!.message).equals(message)).toBe(true);
    }
  });

  test("messages in any order, by their links", () => {
    const random = createPrng(7);
    const key = random.bytes(32);
    const theirs = sodium.push(key);
    const messages = Array.from({ length: 40 }, (_, i) => random.bytes(i * 3));
    const sealed = messages.map((message) => theirs.seal(message, TAG.message));
    const links = sealed.map((_, number) => {
      const link = new Uint8Array(8);
      for (const before of sealed.slice(0, number))
        for (let i = 0; i < 8; i++) link[i]! ^= before[before.length - 16 + i]!;
      return link;
    });
    const reader = new SecretstreamIndexReader(cipher, key, theirs.header);
    for (const number of [39, 0, 17, 3, 38]) {
      const out = new Uint8Array(messages[number]!.length);
      expect(reader.open(number, links[number]!, sealed[number]!, out, 0)).toBe(TAG.message);
      expect(Buffer.from(out).equals(messages[number]!)).toBe(true);
      expect(reader.open(number, links[(number + 1) % 40]!, sealed[number]!, out, 0)).toBe(FORGED);
    }
  });

  test.each([32, 33])("any bit that is turned over is seen, in a message of %i bytes", (length) => {
    const random = createPrng(length);
    const key = random.bytes(32);
    const { header, seal } = sodium.push(key);
    const sealed = seal(random.bytes(length), TAG.final);
    const out = new Uint8Array(length);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const other = sealed.slice();
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(new SecretstreamReader(cipher, key, header).open(other, out, 0)).toBe(FORGED);
    }
    expect(new SecretstreamReader(cipher, key, header).open(sealed, out, 0)).toBe(TAG.final);
  });
});

if (libcrypto !== undefined)
  test.if(libcrypto !== undefined)(
    `both engines give the same bytes on ${MANY} random messages`,
    () => {
      const random = createPrng(2026);
      const pool = random.bytes(4096);
      const [a, b] = [new Uint8Array(1100), new Uint8Array(1100)];
      const out = new Uint8Array(1100);
      for (let i = 0; i < MANY; i++) {
        // Mostly short: what may differ is how ends are dealt with.
        const length = random.below(random.below(1024) + 1);
        const from = random.below(3000);
        const [key, nonce] = [pool.subarray(from, from + 32), pool.subarray(from + 5, from + 17)];
        const message = pool.subarray(from, from + length);
        const tag = i & 3;
        libcrypto.seal(key, nonce, tag, message, a, 0);
        nobleMessages.seal(key, nonce, tag, message, b, 0);
        const sealed = a.subarray(0, length + MESSAGE_OVERHEAD);
        if (!Buffer.from(sealed).equals(b.subarray(0, sealed.length)))
          throw new Error(`message ${i} of ${length} bytes`);
        if (libcrypto.open(key, nonce, sealed, out, 0) !== tag) throw new Error(`message ${i} is not opened`);
      }
      expect(Buffer.from(a).equals(new Uint8Array(1100))).toBe(false);
    },
    300_000,
  );
