/** Which rows a pair may be measured in, by what was counted on the wire. */
import { expect, test } from "bun:test";
import type { TapResult } from "../../../bench/load/plan.ts";
import type { Mode } from "../../../bench/support/rows.ts";
import { handshakeTable, measurableModes, proofTroubles, type Proof } from "../../../bench/tunnel/handshakes.ts";

const ALL = new Set<Mode>(["memory", "bulk", "rate", "resumed"]);
const counts = (full: number, resumed: number, other = 0): TapResult => ({ agreements: {}, full, resumed, other });
const proof = (more: Partial<Proof>): Proof => ({ full: counts(500, 0), resumed: counts(64, 500), wrong: [], ...more });
const modes = (more: Partial<Proof>) => [...measurableModes(ALL, proof(more))];

test("a pair that does all that is asked is measured in everything", () => {
  expect(modes({})).toEqual([...ALL]);
  expect(proofTroubles(proof({}))).toEqual([]);
});

test("one resumed handshake among the full ones is one too many", () => {
  expect(modes({ full: counts(500, 1) })).toEqual(["memory", "bulk", "resumed"]);
  expect(proofTroubles(proof({ full: counts(500, 1) }))).toHaveLength(1);
  expect(modes({ full: counts(0, 0) })).not.toContain("rate");
});

test("a pair that cannot resume, or only now and then, has no resumed row, which is no trouble", () => {
  expect(modes({ resumed: counts(500, 0) })).not.toContain("resumed");
  expect(modes({ resumed: counts(264, 400) })).not.toContain("resumed");
  expect(proofTroubles(proof({ resumed: counts(500, 0) }))).toEqual([]);
});

test("the first handshake of each parallel client may be full", () => {
  expect(modes({ resumed: counts(64, 10) })).toContain("resumed");
  expect(modes({ resumed: counts(60, 4) })).not.toContain("resumed");
});

test("what is not TLS 1.3 is not measured as such", () => {
  expect(modes({ full: counts(500, 0, 1) })).not.toContain("rate");
  expect(modes({ resumed: counts(1, 500, 1) })).not.toContain("resumed");
  expect(proofTroubles(proof({ full: counts(500, 0, 1), resumed: counts(1, 500, 2) }))).toEqual([
    "3 connections were no TLS 1.3",
  ]);
});

test("a pair that lets the wrong through is not measured at all", () => {
  expect(modes({ wrong: ["the server side takes anyone"] })).toEqual([]);
  expect(proofTroubles(proof({ wrong: ["the server side takes anyone"] }))).toEqual(["the server side takes anyone"]);
});

test("the table counts each agreement where there are several", () => {
  const mixed: TapResult = { ...counts(3, 0), agreements: { "A, X": 1, "B, X": 2 } };
  const text = handshakeTable([
    { name: "pair", proof: proof({ full: mixed, resumed: { ...counts(1, 2), agreements: { "A, X": 3 } } }) },
  ]);
  const cells = text.split("\n").map((row) => row.split("|").map((cell) => cell.trim()));
  expect(cells[2]!.slice(1, 6)).toEqual(["pair", "off", "3", "0", "B, X (2); A, X (1)"]);
  expect(cells[3]!.slice(1, 6)).toEqual(["pair", "on", "1", "2", "A, X"]);
});
