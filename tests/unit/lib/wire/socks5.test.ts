/** Corners of SOCKS5; what the RFCs give is in tests/conformance. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeGreeting, decodePassword, decodeRequest } from "../../../../lib/wire/socks5.ts";
import { expectReads } from "../../../conformance/three-ways.ts";

describe("what is no message is said so at its first wrong byte", () => {
  test("another version", () => {
    for (const version of [0, 1, 4, 6, 255]) {
      expect(decodeGreeting(Uint8Array.of(version), 0).kind).toBe("bad");
      expect(decodeRequest(Uint8Array.of(version)).kind).toBe("bad");
    }
    for (const version of [0, 2, 5, 255]) expect(decodePassword(Uint8Array.of(version)).kind).toBe("bad");
  });

  test("an unknown address type is a value, with the reply that is due", () => {
    for (const type of [0, 2, 5, 255]) {
      const decoded = decodeRequest(Uint8Array.of(5, 1, 0, type));
      expect(decoded).toMatchObject({ kind: "ok", value: { reply: 8 } });
    }
  });

  test("text that is not UTF-8 is refused, never repaired", () => {
    const names = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0x61, 0xe2, 0x82]];
    for (const name of names) {
      expect(decodeRequest(Uint8Array.of(5, 1, 0, 3, name.length, ...name, 0, 80)).kind).toBe("bad");
      expect(decodePassword(Uint8Array.of(1, name.length, ...name, 1, 0x78)).kind).toBe("bad");
    }
  });

  test("a byte order mark is part of a name, not a hint", () => {
    const name = [0xef, 0xbb, 0xbf, 0x61];
    const decoded = decodeRequest(Uint8Array.of(5, 1, 0, 3, name.length, ...name, 0, 80));
    expect(decoded).toMatchObject({ kind: "ok", value: { host: "\ufeffa" } });
  });

  test("a user without a name is refused", () => {
    expect(decodePassword(Uint8Array.of(1, 0, 1, 0x78)).kind).toBe("bad");
  });
});

test("a password does not share memory with what else the client sends", () => {
  const bytes = Uint8Array.of(1, 1, 0x61, 2, 0x70, 0x77);
  const decoded = decodePassword(bytes);
  bytes.fill(0);
  expect(decoded).toMatchObject({ value: { password: Uint8Array.of(0x70, 0x77) } });
});

test("any name and port are read in any split", () => {
  const names = fc.string({ unit: "grapheme", maxLength: 60 }).filter((name) => Buffer.byteLength(name) <= 255);
  const ports = fc.nat({ max: 65_535 });
  fc.assert(
    fc.property(names, ports, fc.nat({ max: 255 }), (host, port, command) => {
      const name = Buffer.from(host.toWellFormed());
      const bytes = Uint8Array.from([5, command, 0, 3, name.length, ...name, port >> 8, port & 255]);
      expectReads(decodeRequest, bytes, { command, host: host.toWellFormed(), port });
    }),
    { numRuns: 50 },
  );
});
