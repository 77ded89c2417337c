/** Bodies of S3 uploads in all modes: whole, at every split, cut at every byte, and wrong in every way. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { openBody, type BodyDecoder, type ChunkVerifier } from "../../../../lib/wire/aws-chunked.ts";
import type { Payload, PayloadMode } from "../../../../lib/wire/s3-payload.ts";
import { PLAIN_SHA256, sameText, toHex } from "../../../../lib/wire/sha256.ts";
import { ascii } from "../../../conformance/three-ways.ts";

const BARE = { kind: "chunked", signed: false, trailer: true } as const;
const SIGNED = { kind: "chunked", signed: true, trailer: false } as const;
const BOTH = { kind: "chunked", signed: true, trailer: true } as const;

const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** Not SigV4, but a chain all the same: each signature depends on the one before. */
class Chain {
  #previous = "seed";
  next(kind: string, text: string): string {
    return (this.#previous = sha256(kind, this.#previous, text));
  }
}

function verifier(): ChunkVerifier {
  const chain = new Chain();
  return {
    chunk: (digest, signature) => sameText(chain.next("chunk", toHex(digest)), signature),
    trailer: (canonical, signature) =>
      sameText(chain.next("trailer", Buffer.from(canonical).toString("latin1")), signature),
  };
}

/** Bytes of `chunks` in frames, as a client of that mode sends them. */
function frame(mode: PayloadMode, chunks: readonly Uint8Array[], trailers: readonly [string, string][] = []): Buffer {
  if (mode.kind === "plain") return Buffer.concat(chunks);
  const chain = new Chain();
  const out: Uint8Array[] = [];
  for (const chunk of [...chunks, new Uint8Array(0)]) {
    const extension = mode.signed ? `;chunk-signature=${chain.next("chunk", sha256(chunk))}` : "";
    out.push(ascii(`${chunk.length.toString(16)}${extension}\r\n`), chunk);
    if (chunk.length > 0) out.push(ascii("\r\n"));
  }
  for (const [name, value] of trailers) out.push(ascii(`${name}:${value}\r\n`));
  if (mode.signed && mode.trailer) {
    const lines = trailers.map(([name, value]) => `${name}:${value}\n`);
    out.push(ascii(`x-amz-trailer-signature:${chain.next("trailer", lines.join(""))}\r\n`));
  }
  return Buffer.concat([...out, ascii("\r\n")]);
}

function payloadOf(mode: PayloadMode, length: number | undefined, trailers: string[] = []): Payload {
  return { mode, length, trailers, contentEncoding: undefined };
}

function open(payload: Payload): BodyDecoder {
  const isSigned = payload.mode.kind === "chunked" && payload.mode.signed;
  return openBody(payload, PLAIN_SHA256, isSigned ? verifier() : undefined);
}

/** Pushes `pieces`, and ends. */
function decode(payload: Payload, ...pieces: Uint8Array[]) {
  const decoder = open(payload);
  const got: Uint8Array[] = [];
  for (const piece of pieces) if (decoder.push(piece, (data) => got.push(data)) !== undefined) break;
  return { data: Buffer.concat(got).toString("latin1"), end: decoder.finish() };
}

const HELLO = [ascii("hello "), ascii("world")];
const TRAILERS: [string, string][] = [
  ["x-amz-checksum-crc32", "wmWow=="],
  ["x-amz-meta-b", "two  words"],
];
const NAMES = TRAILERS.map(([name]) => name);

const CASES: [string, Payload, Buffer, [string, string][]][] = [
  ["a plain body", payloadOf({ kind: "plain", sha256: undefined }, 11), Buffer.concat(HELLO), []],
  ["a plain body with its hash", payloadOf({ kind: "plain", sha256: sha256(...HELLO) }, 11), Buffer.concat(HELLO), []],
  ["chunks with a trailer", payloadOf(BARE, 11, NAMES), frame(BARE, HELLO, TRAILERS), TRAILERS],
  ["signed chunks", payloadOf(SIGNED, 11), frame(SIGNED, HELLO), []],
  ["signed chunks with trailers", payloadOf(BOTH, 11, NAMES), frame(BOTH, HELLO, TRAILERS), TRAILERS],
];

describe.each(CASES)("%s", (_, payload, bytes, trailers) => {
  const whole = { data: "hello world", end: { kind: "ok", trailers, length: 11 } as const };

  test("is read whole, and at every split", () => {
    for (let at = 0; at <= bytes.length; at++)
      expect(decode(payload, bytes.subarray(0, at), bytes.subarray(at)), `at ${at}`).toEqual(whole);
  });

  test("is read byte by byte", () => {
    expect(decode(payload, ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("is refused where it is cut, at any byte", () => {
    for (let length = 0; length < bytes.length; length++)
      expect(decode(payload, bytes.subarray(0, length)).end, `${length} bytes`).toMatchObject({ kind: "bad" });
  });

  test("is refused with a byte behind it", () => {
    for (const more of ["\n", "\0", "\r\n"]) {
      expect(decode(payload, bytes, ascii(more)).end).toMatchObject({ kind: "bad" });
      expect(decode(payload, Buffer.concat([bytes, ascii(more)])).end).toMatchObject({ kind: "bad" });
    }
  });

  test("ends once", () => {
    const decoder = open(payload);
    decoder.push(bytes, () => {});
    expect(decoder.finish().kind).toBe("ok");
    expect(decoder.finish()).toEqual({ kind: "bad", reason: "the body has ended already" });
    expect(decoder.push(ascii("x"), () => {})).toEqual({ kind: "bad", reason: "the body has ended already" });
  });
});

test("data are views of what was pushed", () => {
  const bytes = frame(BARE, HELLO, TRAILERS);
  const got: ArrayBufferLike[] = [];
  open(payloadOf(BARE, 11, NAMES)).push(bytes, (data) => got.push(data.buffer));
  expect(got).toEqual([bytes.buffer, bytes.buffer]);
});

test("a plain body without a length is as long as it is", () => {
  const payload = payloadOf({ kind: "plain", sha256: undefined }, undefined);
  expect(decode(payload, ...HELLO).end).toEqual({ kind: "ok", trailers: [], length: 11 });
});

test("an object of no bytes has one chunk", () => {
  expect(decode(payloadOf(SIGNED, 0), frame(SIGNED, []))).toEqual({
    data: "",
    end: { kind: "ok", trailers: [], length: 0 },
  });
});

const CRC = "x-amz-checksum-crc32:wmWow==\r\n";

test("lines of 512 bytes are read, and none that is longer", () => {
  const body = (length: number) => ascii(`0;${"a".repeat(length - 4)}\r\nx-amz-checksum-crc32:wmWow==\r\n\r\n`);
  const payload = payloadOf(BARE, 0, ["x-amz-checksum-crc32"]);
  expect(decode(payload, body(512)).end.kind).toBe("ok");
  expect(decode(payload, body(513)).end).toEqual({ kind: "bad", reason: "a line is too long" });
});

/** What tests/conformance/sigv4-peers.test.ts gets from minio-go. */
test.each([
  ["a:1\n\r\n\r\n", true],
  ["a:1\nb:2\n\r\n\r\n", true],
  ["a:1\r\nb:2\n\r\n\r\n", true],
  ["a:1\n\r\n", false],
  ["a:1\n\n\r\n", false],
  ["a:1\n\r\n\n", false],
  ["a:1\nb:2\r\n\r\n", false],
  ["\n\r\n\r\n", false],
])("trailers that end with LF, and CR LF behind them: %j", (trailers, isRead) => {
  const payload = payloadOf(BARE, 0, trailers.includes("b") ? ["a", "b"] : ["a"]);
  const { end } = decode(payload, ascii(`0\r\n${trailers}`));
  expect(end.kind).toBe(isRead ? "ok" : "bad");
  if (end.kind === "ok") expect(end.trailers[0]).toEqual(["a", "1"]);
});

test.each([
  ["a longer chunk than announced", "5\r\nhello\r\n7\r\n", "the body is longer than x-amz-decoded-content-length"],
  ["a huge chunk", "ffffffffffffffff\r\n", "the body is longer than x-amz-decoded-content-length"],
  ["an early end", "5\r\nhello\r\n0\r\n", "the body is shorter than x-amz-decoded-content-length"],
  ["too many digits", "00000000000000005\r\n", "a chunk has no length"],
  ["a sign", "+5\r\n", "a chunk has no length"],
  ["a prefix", "0x5\r\n", "a chunk has no length"],
  ["a blank before the length", " 5\r\n", "a chunk has no length"],
  ["an empty line", "\r\n", "a chunk has no length"],
  ["no length at all", ";a=b\r\n", "a chunk has no length"],
  ["a lone LF", "5\nhello\r\n", "a line does not end with CR LF"],
  ["an empty line of LF alone", "\n", "a line does not end with CR LF"],
  ["a lone CR", "5\rhello\r\n", "a chunk has no length"],
  ["data that go on", "5\r\nhello!\r\n", "a chunk is too long"],
  ["a malformed extension", "5;=\r\nhello\r\n", "a chunk extension is malformed"],
  ["a malformed signature", "5;chunk-signature=AB\r\n", "a chunk extension is malformed"],
  ["a long line", `5;${"a".repeat(600)}\r\n`, "a line is too long"],
  ["a line without an end", "a".repeat(600), "a line is too long"],
  ["no trailer", "b\r\nhello world\r\n0\r\n\r\n", "a trailer is missing"],
  ["another trailer", "b\r\nhello world\r\n0\r\nx-amz-meta-a:1\r\n", "a trailer was not announced"],
  ["a trailer twice", `b\r\nhello world\r\n0\r\n${CRC}${CRC}`, "a trailer is given twice"],
  ["a signature of trailers", "b\r\nhello world\r\n0\r\nx-amz-trailer-signature:a\r\n", "a trailer was not announced"],
  ["a malformed trailer", "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32\r\n", "a trailer is malformed"],
  ["a folded trailer", `b\r\nhello world\r\n0\r\n${CRC} more\r\n`, "a trailer is malformed"],
  ["a blank before the colon", "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32 :a\r\n", "a trailer is malformed"],
  ["a long trailer", `b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:${"a".repeat(1100)}`, "a line is too long"],
  ["nothing", "", "the body ends too early"],
])("%s is refused", (_, text, reason) => {
  const payload = payloadOf(BARE, 11, ["x-amz-checksum-crc32"]);
  expect(decode(payload, ascii(text)).end).toEqual({ kind: "bad", reason });
  expect(decode(payload, ...Array.from(ascii(text), (byte) => Uint8Array.of(byte))).end).toEqual({
    kind: "bad",
    reason,
  });
});

test.each(["b", "B", "000b", "b;a", "b;a=b;c", "b; a=b ", `b;chunk-signature=${"0".repeat(64)}`])(
  "%j is the line of a chunk without signatures",
  (line) => {
    const text = `${line}\r\nhello world\r\n0\r\nX-Amz-Checksum-CRC32: \twmWow== \t\r\n\r\n`;
    expect(decode(payloadOf(BARE, 11, ["x-amz-checksum-crc32"]), ascii(text))).toEqual({
      data: "hello world",
      end: { kind: "ok", trailers: [["x-amz-checksum-crc32", "wmWow=="]], length: 11 },
    });
  },
);

describe("signed chunks", () => {
  const text = frame(BOTH, HELLO, TRAILERS).toString("latin1");
  const payload = payloadOf(BOTH, 11, NAMES);

  test.each([
    ["other data", "world", "World", "the signature of a chunk is wrong"],
    ["another trailer", "wmWow", "wmWoW", "the signature of the trailers is wrong"],
    ["no signature", /;chunk-signature=[0-9a-f]+/, "", "a chunk has no signature"],
    ["a signature twice", /;chunk-signature=[0-9a-f]+/, "$&$&", "a chunk extension is malformed"],
    ["capital letters", /(?<=;chunk-signature=)[0-9a-f]+/, "A".repeat(64), "a chunk extension is malformed"],
    ["no signature of trailers", /x-amz-trailer-signature:.*\r\n/, "", "the trailers have no signature"],
    [
      "another one at the end",
      /(?<=\r\n0;chunk-signature=)[0-9a-f]{64}/,
      "0".repeat(64),
      "the signature of a chunk is wrong",
    ],
  ])("%s is refused", (_, from, to, reason) => {
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    expect(decode(payload, ascii(changed)).end).toEqual({ kind: "bad", reason });
  });

  test("in another order are refused", () => {
    const [first, second, ...rest] = frame(SIGNED, [ascii("hello"), ascii("world")])
      .toString("latin1")
      .split(/(?<=hello\r\n|world\r\n)/) as [string, string, ...string[]];
    const swapped = [second, first, ...rest].join("");
    expect(decode(payloadOf(SIGNED, 10), ascii(swapped)).end).toEqual({
      kind: "bad",
      reason: "the signature of a chunk is wrong",
    });
  });

  test("end without trailers where none are announced", () => {
    const more = frame(SIGNED, HELLO).toString("latin1").replace(/\r\n$/, "a:b\r\n\r\n");
    expect(decode(payloadOf(SIGNED, 11), ascii(more)).end).toEqual({
      kind: "bad",
      reason: "a trailer was not announced",
    });
  });

  test("need a verifier, and others none", () => {
    expect(() => openBody(payload, PLAIN_SHA256)).toThrow(TypeError);
    expect(() => openBody(payloadOf(BARE, 0), PLAIN_SHA256, verifier())).toThrow(TypeError);
  });
});

test("a plain body of another hash or length is refused", () => {
  const hashed = (length: number | undefined) => payloadOf({ kind: "plain", sha256: sha256("hello") }, length);
  const reasons = [
    decode(hashed(5), ascii("hellO")),
    decode(hashed(4), ascii("hello")),
    decode(hashed(6), ascii("hello")),
  ].map(({ end }) => end.kind === "bad" && end.reason);
  expect(reasons).toEqual([
    "x-amz-content-sha256 is not the hash of the body",
    "the body is longer than content-length",
    "the body is shorter than content-length",
  ]);
});

test("any chunks in any pieces make the object, in every mode", () => {
  const modes = [BARE, SIGNED, BOTH];
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 90 }), { maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...modes), chunks, fc.array(fc.nat(40)), (mode, chunks, cuts) => {
      const trailers = mode.trailer ? TRAILERS : [];
      const bytes = frame(mode, chunks, trailers);
      const pieces: Uint8Array[] = [];
      let from = 0;
      for (const cut of cuts) pieces.push(bytes.subarray(from, (from += cut)));
      pieces.push(bytes.subarray(from));
      const object = Buffer.concat(chunks);
      const names = trailers.map(([name]) => name);
      expect(decode(payloadOf(mode, object.length, names), ...pieces)).toEqual({
        data: object.toString("latin1"),
        end: { kind: "ok", trailers, length: object.length },
      });
    }),
  );
});

test("garbage and small changes never throw, never hand out more than announced, and say the same in any pieces", () => {
  const seeds = CASES.slice(2);
  const changed = fc
    .tuple(fc.nat(seeds.length - 1), fc.nat(400), fc.nat(8), fc.uint8Array({ maxLength: 12 }))
    .map(([seed, at, cut, insert]) => {
      const [, payload, bytes] = seeds[seed]!;
      const changed = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + cut)]);
      return { payload, bytes: changed, isSame: changed.equals(bytes) };
    });
  fc.assert(
    fc.property(changed, ({ payload, bytes, isSame }) => {
      const whole = decode(payload, bytes);
      expect(whole.data.length).toBeLessThanOrEqual(11);
      const single = decode(payload, ...Array.from(bytes, (byte) => Uint8Array.of(byte)));
      expect(single.end).toEqual(whole.end);
      if (payload.mode.kind === "chunked" && payload.mode.signed && whole.end.kind === "ok")
        expect(whole.data).toBe("hello world");
      if (isSame) expect(whole.end.kind).toBe("ok");
    }),
    { numRuns: 3000 },
  );
});
