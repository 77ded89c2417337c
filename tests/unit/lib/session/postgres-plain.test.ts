/** A PostgreSQL client that is to go on without TLS, in every split. */
import { expect, test } from "bun:test";
import { PostgresPlain } from "../../../../lib/session/postgres-plain.ts";
import { hex } from "../../../conformance/three-ways.ts";
import { playPreface } from "./play-preface.ts";
import { splits } from "./play.ts";

const SSL = "00000008 04d2162f";
const GSSENC = "00000008 04d21630";
const CANCEL = "00000010 04d2162e 00000001 00000002";
const STARTUP = "00000017 00030000 7573657200 7800 646174616261736500 00";
const DENIED = { send: "N" };
const latin = (text: string) => Buffer.from(hex(text)).toString("latin1");

test.each([STARTUP, CANCEL])("one that begins its session at once is left as it is: %s", (begin) => {
  const bytes = hex(begin);
  for (const pieces of splits(bytes)) {
    const steps = playPreface(new PostgresPlain(), pieces);
    expect(steps).toEqual([{ done: undefined, rest: expect.any(String) }]);
    // What is left of it may still be on its way.
    const [step] = steps;
    expect(latin(begin).startsWith(step !== undefined && "rest" in step ? step.rest : "nothing")).toBe(true);
  }
  expect(playPreface(new PostgresPlain(), [bytes])).toEqual([{ done: undefined, rest: latin(begin) }]);
});

test("one that asks for encryption is told that there is none, for each kind once", () => {
  for (const first of splits(hex(GSSENC)))
    expect(playPreface(new PostgresPlain(), [...first, hex(SSL), hex(STARTUP)])).toEqual([
      DENIED,
      DENIED,
      { done: undefined, rest: latin(STARTUP) },
    ]);
});

test.each<[string[], string, string?]>([
  [[SSL, SSL], "the client asks for encryption again"],
  [[`${SSL} 00`], "the client sent more than its request", "postgres_pipelined"],
  [["160301"], "the client begins with TLS of its own"],
  [["474554"], "this is no PostgreSQL startup"],
])("%j is refused", (pieces, reason, code = "postgres_malformed") => {
  const steps = playPreface(
    new PostgresPlain(),
    pieces.map((piece) => hex(piece)),
  );
  expect(steps.at(-1)).toEqual({ fail: code, reason });
});
