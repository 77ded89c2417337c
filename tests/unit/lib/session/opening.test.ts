/** A connection's beginning and its hello are read in one go, in any split; what is no TLS is left to others. */
import { expect, test } from "bun:test";
import { FIRST_BYTES } from "../../../../lib/session/first-bytes.ts";
import { OpeningReader } from "../../../../lib/session/opening.ts";
import { helloRecord } from "../../../support/make-hello.ts";

const ALL = { names: new Set(FIRST_BYTES), patterns: [] };

/** The steps that `chunks` come to. */
function read(chunks: readonly Uint8Array[], expected: typeof ALL = ALL, limit = 16_384) {
  const reader = new OpeningReader(expected, limit);
  const steps = chunks.flatMap((chunk) => reader.receive(chunk));
  return { reader, steps };
}

test("a hello, whole and byte by byte", () => {
  const record = helloRecord();
  const whole = read([record]).steps;
  expect(whole).toMatchObject([{ type: "done", value: { found: { name: "tls" }, hello: { encrypted: false } } }]);
  const { reader, steps } = read(Array.from(record.subarray(0, -1), (byte) => Uint8Array.of(byte)));
  expect([steps, reader.silent, reader.inHello]).toEqual([[], false, true]);
  const [last] = reader.receive(record.subarray(-1));
  expect(Buffer.from((last as { rest: Uint8Array }).rest).equals(Buffer.from(record))).toBe(true);
});

test("what is no TLS has no hello, and all of it is left", () => {
  const bytes = Buffer.from("SSH-2.0-x\r\n");
  const { reader, steps } = read([bytes]);
  expect(steps).toEqual([{ type: "done", value: { found: { name: "ssh" }, hello: undefined }, rest: bytes }]);
  expect(reader.inHello).toBe(false);
});

test("what is wrong is told with its own code", () => {
  const record = helloRecord();
  expect(read([record], { names: new Set(["ssh"]), patterns: [] }).steps).toMatchObject([{ code: "unknown_protocol" }]);
  expect(read([record], ALL, 10).steps).toMatchObject([{ code: "hello_too_long", bytes: expect.anything() }]);
  expect(read([]).reader.ended()).toMatchObject({ code: "no_bytes" });
  expect(read([record.subarray(0, 20)]).reader.ended()).toMatchObject({ code: "hello_cut" });
});
