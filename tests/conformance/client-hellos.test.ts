/** The hellos of real programs (client-hellos.json, by tests/support/capture-hellos.ts), in every split that a network makes. */
import { describe, expect, test } from "bun:test";
import type { ClientHello } from "../../lib/wire/client-hello.ts";
import { HelloRecords } from "../../lib/wire/hello-records.ts";
import type { CapturedHello } from "../support/capture-hellos.ts";
import { Random } from "../support/random.ts";
import hellos from "./client-hellos.json";

const HELLOS: CapturedHello[] = hellos;

function helloOf(stream: Uint8Array): ClientHello {
  const answer = new HelloRecords().read(stream);
  if (answer.kind !== "ok") throw new Error(JSON.stringify(answer));
  return answer.value;
}

/** The same message in records of these sizes; the last takes what is left. */
function inRecords(stream: Uint8Array, sizes: readonly number[]): Uint8Array {
  const message = stream.subarray(5);
  const records: Uint8Array[] = [];
  for (let at = 0, i = 0; at < message.length; i++) {
    const part = message.subarray(at, at + (sizes[i] ?? message.length));
    records.push(Uint8Array.of(0x16, 3, 1, part.length >> 8, part.length & 255), part);
    at += part.length;
  }
  return Buffer.concat(records);
}

test("are of seven programs, and some are longer than a segment", () => {
  expect(new Set(HELLOS.map(({ source }) => source.split(/[ :]/)[0]!)).size).toBeGreaterThanOrEqual(7);
  expect(HELLOS.filter(({ hex }) => hex.length / 2 > 1460).length).toBeGreaterThanOrEqual(3);
});

describe.each(HELLOS)("$source", ({ hex, serverName, protocolIds }) => {
  const stream = Uint8Array.from(Buffer.from(hex, "hex"));

  test("says what the program was told to say", () => {
    const hello = helloOf(stream);
    expect(hello.serverName).toBe(serverName as string);
    expect(hello.protocolIds).toEqual(protocolIds as string[]);
    expect(hello.addressAsName).toBe(false);
    expect(hello.versions.every((version) => version >>> 8 === 3)).toBe(true);
  });

  test("byte by byte, known with the last byte and not before", () => {
    const records = new HelloRecords();
    for (let length = 0; length < stream.length; length++)
      expect(records.read(stream.subarray(0, length)).kind).toBe("more");
    expect(records.read(stream)).toEqual({ kind: "ok", value: helloOf(stream) });
  });

  test("in five records, in records of one byte at first, and in any others", () => {
    const random = new Random(7);
    const fifth = Math.ceil((stream.length - 5) / 5);
    const splits = [
      [fifth, fifth, fifth, fifth],
      [1, 1, 1, 1, 1, 1],
      [3, 2],
    ];
    for (let i = 0; i < 20; i++) splits.push(Array.from({ length: 8 }, () => 1 + random.below(200)));
    for (const sizes of splits) {
      const split = inRecords(stream, sizes);
      expect(helloOf(split)).toEqual(helloOf(stream));
      const records = new HelloRecords();
      for (let length = 0; length < split.length; length += 1 + random.below(100))
        expect(records.read(split.subarray(0, length)).kind).toBe("more");
      expect(records.read(split).kind).toBe("ok");
    }
  });

  test("with data behind it that the client could not wait to send", () => {
    const early = Buffer.concat([stream, Buffer.from("140303000101170303000401020304", "hex")]);
    expect(helloOf(early)).toEqual(helloOf(stream));
  });
});

test("a client that greases is read without its grease, and its encrypted hello is noticed", () => {
  const chromium = HELLOS.find(({ source }) => source.startsWith("Chromium"))!;
  const bytes = Buffer.from(chromium.hex, "hex");
  const hello = helloOf(bytes);
  expect(hello.encrypted).toBe(true);
  expect(hello.versions).toEqual([0x0304, 0x0303]);
  // The first suite, behind version, random and session id.
  const suites = 9 + 2 + 32 + 1 + hello.sessionId.length + 2;
  expect(bytes[suites]! & 0x0f).toBe(0x0a);
  expect(bytes[suites]).toBe(bytes[suites + 1]!);
});
