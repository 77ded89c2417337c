/** Encryption by size, from what fits into one packet to what fits into no memory; and what a keyring costs at the start. Judges nothing. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { say } from "../support/contest.ts";
import { PROXY_CORE } from "../support/process.ts";
import { rotate, spread, type Spread } from "../support/stats.ts";
import { figure, table } from "../support/table.ts";
import { keyring } from "./ciphers.ts";
import { attempt, writePlain, type Entrant } from "./contest.ts";
import type { Timed } from "./run-once.ts";

const KIB = 1024;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const SIZES = [KIB, 64 * KIB, MIB, 16 * MIB, 128 * MIB, GIB];
const QUICK = SIZES.slice(0, 4);
const WHO = ["ds2", "v3", "libsodium", "age"];

export interface Growth {
  names: string[];
  rows: { size: number; seconds: Map<string, Spread | undefined> }[];
  /** Processor seconds of a start with 1 KiB: a keyring of random password, and one of a chosen password (scrypt). */
  starts: { random: Spread | undefined; chosen: Spread | undefined } | undefined;
}

export interface GrowthPlan {
  dir: string;
  portail: readonly string[];
  rounds: number;
  quick: boolean;
  /** 10 GiB as well. */
  huge: boolean;
  problems: string[];
}

/** One size after the other, so that one file lies in memory at a time. */
export async function measureGrowth(entrants: readonly Entrant[], plan: GrowthPlan): Promise<Growth> {
  const sizes = plan.quick ? QUICK : plan.huge ? [...SIZES, 10 * GIB] : SIZES;
  const chosen = entrants.filter(({ cipher, ways }) => WHO.includes(cipher.name) && ways.encrypt !== undefined);
  const path = join(plan.dir, "growing");
  const rows: Growth["rows"] = [];
  let starts: Growth["starts"];
  for (const size of sizes) {
    say(`growth: ${sizeText(size)}`);
    writePlain(path, size);
    const timed = await roundsOf(chosen, path, plan);
    const seconds = new Map(
      [...timed].map(([name, samples]) => [name, spread(samples.map((sample) => sample.seconds))]),
    );
    rows.push({ size, seconds });
    starts ??= await measureStarts(chosen, path, plan);
    rmSync(path);
  }
  return { names: chosen.map(({ cipher }) => cipher.name), rows, starts };
}

async function roundsOf(
  entrants: readonly Entrant[],
  input: string,
  { rounds, problems }: GrowthPlan,
): Promise<Map<string, Timed[]>> {
  const timed = new Map(entrants.map(({ cipher }): [string, Timed[]] => [cipher.name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { cipher, ways } of rotate(entrants, round)) {
      const run = { ...ways.encrypt!, input };
      const sample = await attempt(`${cipher.name}, growth`, String(PROXY_CORE), run, problems);
      if (sample !== undefined) timed.get(cipher.name)!.push(sample);
    }
  }
  return timed;
}

async function measureStarts(entrants: readonly Entrant[], input: string, plan: GrowthPlan): Promise<Growth["starts"]> {
  const random = entrants.find(({ cipher }) => cipher.name === "ds2");
  if (random === undefined) return undefined;
  const dir = join(plan.dir, "chosen");
  mkdirSync(dir);
  const env = keyring(dir, plan.portail, true);
  const chosen: Entrant = {
    cipher: { ...random.cipher, name: "chosen" },
    ways: { ...random.ways, encrypt: { ...random.ways.encrypt!, env } },
  };
  const timed = await roundsOf([random, chosen], input, plan);
  const cpu = (name: string) => spread(timed.get(name)!.map(({ cpuSeconds }) => cpuSeconds));
  return { random: cpu("ds2"), chosen: cpu("chosen") };
}

/** Milliseconds from start to end by size. */
export function growthTable({ names, rows }: Growth): string {
  const cell = (value: Spread | undefined) =>
    value === undefined
      ? "-"
      : `${figure(value.median * 1000)} (${figure(value.min * 1000)}..${figure(value.max * 1000)})`;
  return table(
    ["encryption, ms", ...names],
    rows.map(({ size, seconds }) => [sizeText(size), ...names.map((name) => cell(seconds.get(name)))]),
  );
}

/** Characters of the longest bar. */
const WIDEST = 40;

/** Speed by size, all in one scale. */
export function growthBars({ names, rows }: Growth): string {
  const speed = (size: number, value: Spread | undefined) => (value === undefined ? 0 : size / value.median / 1e9);
  const most = Math.max(...rows.flatMap(({ size, seconds }) => names.map((name) => speed(size, seconds.get(name)))));
  const blocks = names.map((name) => {
    const lines = rows.map(({ size, seconds }) => {
      const value = speed(size, seconds.get(name));
      const bar = "█".repeat(Math.round((value / most) * WIDEST));
      return `${sizeText(size).padStart(8)} ${bar}${bar === "" ? "" : " "}${figure(value)} GB/s`;
    });
    return [name, ...lines].join("\n");
  });
  return `\`\`\`\n${blocks.join("\n\n")}\n\`\`\``;
}

export function sizeText(size: number): string {
  if (size >= GIB) return `${size / GIB} GiB`;
  return size >= MIB ? `${size / MIB} MiB` : `${size / KIB} KiB`;
}
