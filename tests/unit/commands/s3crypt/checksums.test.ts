/** Checksums of objects: values known from elsewhere, what headers claim, and parts put together against the whole. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  CHECKSUMS,
  checksumOfHeader,
  claimedChecksums,
  compositeChecksum,
  formatChecksum,
  fullObjectChecksum,
  parseChecksum,
  startChecksum,
  type ChecksumName,
} from "../../../../commands/s3crypt/checksums.ts";
import { ascii } from "../../../conformance/three-ways.ts";

const NAMES = Object.keys(CHECKSUMS) as ChecksumName[];

function of(name: ChecksumName, ...pieces: Uint8Array[]): Uint8Array {
  const checksum = startChecksum(name);
  for (const piece of pieces) checksum.update(piece);
  return checksum.digest();
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** CRC RevEng's check values, and sha1sum, sha256sum and md5sum of coreutils. */
test.each([
  ["CRC32", "cbf43926"],
  ["CRC32C", "e3069283"],
  ["CRC64NVME", "ae8b14860a799888"],
  ["SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
  ["SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"],
  ["MD5", "25f9e794323b453885f5181f1b624d0b"],
] as const)("%s of 123456789, in one piece and in three", (name, value) => {
  expect(hex(of(name, ascii("123456789")))).toBe(value);
  expect(hex(of(name, ascii("1234"), ascii(""), ascii("56789")))).toBe(value);
  expect(of(name)).toHaveLength(CHECKSUMS[name].bytes);
});

test("the values that clients of S3 were seen to send", () => {
  expect(formatChecksum(of("CRC32C", new Uint8Array(66_560).fill(0x61)))).toBe("sOO8/Q==");
});

test("headers name algorithms in any case", () => {
  for (const name of NAMES) expect(checksumOfHeader(CHECKSUMS[name].header.toUpperCase())).toBe(name);
  expect(checksumOfHeader("x-amz-checksum-type")).toBeUndefined();
});

test.each(["", "sOO8/Q=", "sOO8/Q", "sOO8/Q==\n", " sOO8/Q==", "sOO8_Q==", "sOO8/R==", "sOO8", "sOO8/QAA"])(
  "%j is no CRC32",
  (text) => expect(parseChecksum("CRC32", text)).toBeUndefined(),
);

describe("what headers claim", () => {
  test("is read by algorithm", () => {
    const claimed = claimedChecksums([
      ["Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw=="],
      ["x-amz-checksum-type", "FULL_OBJECT"],
      ["X-Amz-Checksum-Crc32", "y/Q5Jg=="],
      ["content-type", "text/plain"],
    ]);
    expect(claimed).toMatchObject({
      kind: "ok",
      value: [
        { name: "MD5", value: of("MD5", ascii("123456789")) },
        { name: "CRC32", value: of("CRC32", ascii("123456789")) },
      ],
    });
  });

  test.each([
    [[["x-amz-checksum-xxhash3", "AAAA"]], "x-amz-checksum-xxhash3 is not known"],
    [[["x-amz-checksum-crc32", "AAAA"]], "x-amz-checksum-crc32 is no base64 of 4 bytes"],
    [[["content-md5", ""]], "content-md5 is no base64 of 16 bytes"],
    [
      [
        ["x-amz-checksum-crc32", "y/Q5Jg=="],
        ["X-Amz-Checksum-CRC32", "y/Q5Jg=="],
      ],
      "x-amz-checksum-crc32 is given twice",
    ],
  ] as [[string, string][], string][])("%j is bad", (fields, reason) =>
    expect(claimedChecksums(fields)).toEqual({ kind: "bad", reason }),
  );
});

describe("parts", () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

  test.each(["CRC32", "CRC32C", "CRC64NVME"] as const)("the %s of the whole comes from those of its parts", (name) => {
    fc.assert(
      fc.property(parts, (parts) => {
        const known = parts.map((part) => ({ value: of(name, part), length: part.length }));
        expect(hex(fullObjectChecksum(name, known))).toBe(hex(of(name, ...parts)));
      }),
    );
  });

  test("of lengths beyond 2^32 bytes: zeros behind zeros, in two ways", () => {
    const zeros = (power: number) => {
      let value = of("CRC32", new Uint8Array(1));
      for (let k = 0; k < power; k++) {
        const part = { value, length: 2 ** k };
        value = fullObjectChecksum("CRC32", [part, part]);
      }
      return { value, length: 2 ** power };
    };
    expect(hex(zeros(20).value)).toBe(hex(of("CRC32", new Uint8Array(2 ** 20))));
    const { value } = zeros(40);
    expect(hex(fullObjectChecksum("CRC32", [zeros(39), zeros(39)]))).toBe(hex(value));
    expect(hex(fullObjectChecksum("CRC32", [zeros(38), zeros(38), zeros(39)]))).toBe(hex(value));
  });

  test("a composite is the checksum of the checksums, and their number", () => {
    const known = [ascii("one"), ascii("two")].map((part) => ({ value: of("SHA256", part), length: part.length }));
    const expected = of("SHA256", Buffer.concat([of("SHA256", ascii("one")), of("SHA256", ascii("two"))]));
    expect(compositeChecksum("SHA256", known)).toBe(`${formatChecksum(expected)}-2`);
  });
});
