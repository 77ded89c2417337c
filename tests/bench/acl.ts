/** The policy language's figures: loading and deciding by size, the tools by what they take. One process for each measurement; not a test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { GROWTH, listCases, measureList, randomCases, type Measured } from "./acl/lists.ts";
import { bars, type Gate, gateTable, growthTable } from "./acl/report.ts";
import { measureReplay, measureTest } from "./acl/tools.ts";
import type { Report } from "./run.ts";
import { machine } from "./support/machine.ts";
import { spread } from "./support/stats.ts";
import { figure } from "./support/table.ts";

const MIB = 2 ** 20;

/** `npm run bench -- acl [--rounds N] [--quick]`: quick is smaller lists and fewer lines, and is not kept. */
export default async function acl(argv: string[]): Promise<Report> {
  const { rounds, quick } = parseOptions(argv);
  const dir = mkdtempSync(join(tmpdir(), "portail-bench-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const gates: Gate[] = [];
  const growth = new Map<string, Measured[]>();
  for (const kind of ["hosts", "domains", "networks"] as const) {
    const sizes = GROWTH[kind].filter((size) => !quick || size <= 10_000);
    const series = [];
    for (const plan of listCases(dir, kind, sizes)) series.push(await measureList(plan, rounds));
    growth.set(kind, series);
    gates.push(...listGates(kind, series));
  }
  for (const plan of randomCases(dir)) gates.push(...randomGates(await measureList(plan, rounds)));
  gates.push(await testGate(quick ? 5 : 20), ...(await replayGates(dir, quick ? 50_000 : 1_000_000, rounds)));
  const parts = ["## acl", introduction(argv, rounds), gateTable(gates)];
  for (const [kind, series] of growth) parts.push(`Growth: ${TITLES[kind]}`, growthTable(series), bars(series));
  return {
    markdown: parts.join("\n\n"),
    keep: !quick && rounds >= 5,
    passed: gates.every(({ verdict }) => verdict === "pass" || verdict === ""),
  };
}

const TITLES: Record<string, string> = {
  hosts: "a block list asked with `host in`",
  domains: "a block list asked with `host under`",
  networks: "networks asked with `dest.ip in`",
};

/** The p50 must hold whatever the size, so the largest of all sizes is judged. Loading is weakness 6.3.5 of cloud-gouv/portail. */
function listGates(kind: "hosts" | "domains" | "networks", series: readonly Measured[]): Gate[] {
  const last = series.at(-1)!;
  const size = last.size.toLocaleString("en-US");
  const p50 = series.map((one) => one.p50.median).reduce((x, y) => Math.max(x, y));
  const what = kind === "networks" ? `${size} networks` : `${size} ${kind}`;
  const loading = kind === "hosts" ? 1000 : undefined;
  return [
    gate(`load ${what}`, last.loadMs.median, "ms", loading),
    gate(`memory of ${what}`, last.loadBytes.median / MIB, "MiB", undefined),
    gate(`decide, ${what}, p50 of the slowest size`, p50 / 1000, "µs", 2),
  ];
}

function randomGates({ title, p50, worst, gated }: Measured): Gate[] {
  return [
    gate(`decide, ${title}, p50`, p50.median / 1000, "µs", undefined),
    gate(`decide, ${title}, worst request`, worst.median / 1000, "µs", gated ? 5 : undefined),
  ];
}

async function testGate(runs: number): Promise<Gate> {
  const times = spread(await measureTest(runs));
  return gate("`acl test`, 30 policies and 100 cases, compiled", times?.median, "ms", 150);
}

async function replayGates(dir: string, lines: number, rounds: number): Promise<Gate[]> {
  const runs = await measureReplay(dir, lines, Math.min(rounds, 3));
  const rate = spread(runs.map(({ seconds }) => lines / seconds))?.median;
  const rss = spread(runs.map((run) => run.rss / MIB))?.median;
  const what = `\`acl replay\`, ${lines.toLocaleString("en-US")} lines`;
  const enough = rate === undefined ? "no data" : rate >= 100_000 ? "pass" : "FAIL";
  return [
    { what, value: rate === undefined ? "-" : `${figure(rate)} lines/s`, limit: ">= 100,000 lines/s", verdict: enough },
    gate(`${what}, most memory`, rss, "MiB RSS", 200),
  ];
}

/** Passes below `limit`; without one it is only stated. */
function gate(what: string, value: number | undefined, unit: string, limit: number | undefined): Gate {
  const verdict = limit === undefined ? "" : value === undefined ? "no data" : value < limit ? "pass" : "FAIL";
  return {
    what,
    value: value === undefined ? "-" : `${figure(value)} ${unit}`,
    limit: limit === undefined ? "" : `< ${limit} ${unit}`,
    verdict,
  };
}

function introduction(argv: readonly string[], rounds: number): string {
  return [
    `\`npm run bench -- acl${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Medians (least..greatest) of ${rounds} processes each, not pinned: people's are not either. A load is from the files to`,
    "the compiled policy, its digest included; memory is what it adds to the resident set, after a collection. A decision",
    "includes the address guard, and reading the clock (some 30 ns). Half of the requests are in the list. The worst request",
    "is the one whose own median is the greatest. All data are made from fixed seeds.",
  ].join("\n");
}

function parseOptions(argv: string[]): { rounds: number; quick: boolean } {
  try {
    const options = { rounds: { type: "string" }, quick: { type: "boolean", default: false } } as const;
    const { values } = parseArgs({ args: argv, options, strict: true });
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a whole number from 1");
    return { rounds, quick: values.quick };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new PortailError(message, { code: "bench.usage", exit: EXIT.usage, cause: error });
  }
}
