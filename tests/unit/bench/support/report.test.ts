/** The verdict of the gate: who is the best peer, when portail passes, and what failed connections do. */
import { expect, test } from "bun:test";
import type { Measurement } from "../../../bench/support/modes.ts";
import { cell, gateTable, goalText, judge, type Series } from "../../../bench/support/report.ts";
import { ROWS, TUNNEL_ROWS } from "../../../bench/support/rows.ts";

const RATE = ROWS.find(({ name }) => name === "rate")!;
const P50 = ROWS.find(({ name }) => name === "latency-p50")!;
const UNGATED = ROWS.find(({ name }) => name === "pss-base")!;

type Value = number | undefined;

function series(
  name: string,
  rounds: Partial<Record<"rate" | "latency-p50" | "pss-base", Value>>[],
  failed = 0,
): Series {
  return {
    contender: { name, family: "SOCKS", via: "socks", peer: name !== "portail", programs: [], note: "" },
    rounds: rounds.map((values): Measurement => ({
      values: values as Measurement["values"],
      attempts: { rate: { failed, attempted: 1000 } },
      problems: [],
    })),
  };
}

const rates = (name: string, list: Value[], failed = 0) =>
  series(
    name,
    list.map((rate) => ({ rate })),
    failed,
  );

test("the best peer is the one with the best median, and the ratio is the median of the rounds", () => {
  const judged = judge(RATE, [
    rates("portail", [200, 150, 90]),
    rates("slow", [10, 10, 500]),
    rates("fast", [100, 100, 90]),
  ]);
  expect(judged.best).toBe("fast");
  expect(judged.ratio).toEqual({ median: 1.5, min: 1, max: 2 });
  expect(judged.verdict).toBe("pass");
});

test("a ratio below 1 fails, in rows where lower is better too", () => {
  expect(judge(RATE, [rates("portail", [99]), rates("peer", [100])]).verdict).toBe("FAIL");
  const latency = (name: string, value: number) => series(name, [{ "latency-p50": value }]);
  expect(judge(P50, [latency("portail", 30), latency("peer", 20)]).verdict).toBe("FAIL");
  expect(judge(P50, [latency("portail", 20), latency("peer", 30)])).toMatchObject({ best: "peer", verdict: "pass" });
});

test("a failed connection of portail fails its row, however fast the others were", () => {
  expect(judge(RATE, [rates("portail", [500], 1), rates("peer", [100])]).verdict).toBe("FAIL");
});

test("a peer that fails more than one connection in a hundred is not the one to beat", () => {
  const portail = rates("portail", [120]);
  expect(judge(RATE, [portail, rates("broken", [900], 11), rates("sound", [100], 10)]).best).toBe("sound");
});

test("without a peer or without figures there is no verdict to pass", () => {
  expect(judge(RATE, [rates("portail", [1])]).verdict).toBe("no data");
  expect(judge(RATE, [rates("portail", [undefined]), rates("peer", [1])]).verdict).toBe("no data");
  expect(judge(RATE, [rates("peer", [1])]).verdict).toBe("no data");
});

test("a row outside the gate has a ratio and no verdict", () => {
  const base = (name: string, value: number) => series(name, [{ "pss-base": value }]);
  const judged = judge(UNGATED, [base("portail", 30), base("peer", 3)]);
  expect(judged.ratio?.median).toBeCloseTo(0.1);
  expect(judged.verdict).toBe("");
});

test("a cell shows the spread and the failures, and nothing as a dash", () => {
  expect(cell(rates("a", [1, 2, 3]), "rate")).toBe("2.00 (1.00..3.00)");
  expect(cell(rates("a", [1, undefined], 4), "rate")).toBe("1.00 (1.00..1.00), 8 failed");
  expect(cell(rates("a", [undefined], 4), "rate")).toBe("4 failed");
  expect(cell(series("a", [{}]), "rate")).toBe("-");
});

test("the table has a line per row and a column per contender", () => {
  const { text, judged } = gateTable("SOCKS", [rates("portail", [300]), rates("peer", [100])], [RATE]);
  expect(judged).toHaveLength(1);
  const [header, , line] = text.split("\n").map((row) => row.split("|").map((part) => part.trim()));
  expect(header).toEqual(["", "SOCKS", "portail", "peer", "best peer", "ratio", "gate", ""]);
  expect(line!.slice(4, 7)).toEqual(["peer", "3.00 (3.00..3.00)", "pass"]);
});

test("a goal has a column of its own, and fails nothing", () => {
  const full = TUNNEL_ROWS.find(({ name }) => name === "rate")!;
  const { text, judged } = gateTable("mTLS", [rates("portail", [110]), rates("peer", [100])], [full, UNGATED]);
  const cells = text.split("\n").map((row) => row.split("|").map((part) => part.trim()));
  expect(cells[0]!.slice(-3, -1)).toEqual(["gate", "goal"]);
  expect(cells[2]!.slice(-3, -1)).toEqual(["pass", "1.20 short"]);
  expect(cells[3]!.slice(-3, -1)).toEqual(["", ""]);
  expect(judged[0]!.verdict).toBe("pass");
  expect(goalText(1.2, { median: 1.2, min: 1, max: 2 })).toBe("1.20 reached");
  expect(goalText(1.2, undefined)).toBe("1.20 no data");
});

test("what the tunnel promises is in its gate, what it hopes for in its goals", () => {
  const gated = TUNNEL_ROWS.filter(({ gate }) => gate).map(({ name }) => name);
  expect(gated).toEqual(["bulk-1", "bulk-8", "upload-1", "upload-8", "rate"]);
  const goals = TUNNEL_ROWS.flatMap((row) => ("goal" in row && row.goal !== undefined ? [[row.name, row.goal]] : []));
  expect(goals).toEqual([
    ["bulk-1", 1.5],
    ["bulk-8", 1.5],
    ["upload-1", 1.5],
    ["upload-8", 1.5],
    ["rate", 1.2],
    ["latency-p99", 1],
  ]);
});

test("every row of the gate that the access proxy promises is there", () => {
  const gated = ROWS.filter(({ gate }) => gate).map(({ name, better }) => `${name} ${better}`);
  expect(gated).toEqual([
    "bulk-1 higher",
    "bulk-8 higher",
    "rate higher",
    "latency-p50 lower",
    "latency-p99 lower",
    "rss-base lower",
    "rss-tunnels lower",
    "cpu-bulk lower",
  ]);
});
