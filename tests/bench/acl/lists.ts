/** Which policies are measured, and the processes that measure them. Prints nothing. */
import { join } from "node:path";
import { pinned, PROXY_CORE, refuseWhenClosing, track } from "../support/process.ts";
import { spread, type Spread } from "../support/stats.ts";
import { hostsFile, networks, randomPolicies } from "./data.ts";
import type { Plan, Taken } from "./subject.ts";

export const GROWTH = {
  hosts: [1_000, 10_000, 100_000, 1_000_000],
  domains: [1_000, 10_000, 100_000, 1_000_000],
  networks: [1_000, 10_000, 100_000],
} as const;

export interface Case {
  title: string;
  size: number;
  /** Whether a gate is set on its worst request. */
  gated: boolean;
  /** Written before the first measurement: path and text. */
  files: () => [path: string, text: string][];
  plan: Plan;
}

export interface Measured extends Pick<Case, "title" | "size" | "gated"> {
  loadMs: Spread;
  loadBytes: Spread;
  p50: Spread;
  p99: Spread;
  worst: Spread;
}

const REST = "policy web { when port in [80, 443] action allow }\n";

const KINDS = {
  hosts: { set: (list: string) => `hosts "${list}"`, condition: "host in blocked", requests: "hosts" },
  domains: { set: (list: string) => `hosts "${list}"`, condition: "host under blocked", requests: "hosts" },
  networks: { set: (list: string) => `lines "${list}"`, condition: "dest.ip in blocked", requests: "networks" },
} as const;

/** A block list in a file of its own, and one more policy. */
export function listCases(dir: string, kind: keyof typeof KINDS, sizes: readonly number[]): Case[] {
  const { set, condition, requests } = KINDS[kind];
  return sizes.map((size) => {
    const path = join(dir, `${kind}-${size}.acl`);
    const list = `${kind}-${size}.list`;
    const text = `set blocked = ${set(list)}\npolicy blocked { when ${condition} action deny }\n${REST}`;
    const entries = () => (requests === "hosts" ? hostsFile(size).text : networks(size).join("\n"));
    const files = (): [string, string][] => [
      [path, text],
      [join(dir, list), entries()],
    ];
    return { title: kind, size, gated: false, files, plan: { path, requests, size } };
  });
}

/** 1,000 policies of equality, set and suffix conditions, and the same with patterns among them. */
export function randomCases(dir: string): Case[] {
  return [0, 100].map((patterns) => {
    const path = join(dir, `random-${patterns}.acl`);
    const title = `1,000 random policies${patterns === 0 ? "" : ", 10 % patterns"}`;
    const files = (): [string, string][] => [[path, randomPolicies(1000, patterns)]];
    return { title, size: 1000, gated: patterns === 0, files, plan: { path, requests: "random", size: 1000 } };
  });
}

/** One process for each round: nothing is warm but what a process warms by itself. */
export async function measureList({ title, size, gated, files, plan }: Case, rounds: number): Promise<Measured> {
  for (const [path, text] of files()) await Bun.write(path, text);
  process.stderr.write(`${title}, ${size.toLocaleString("en-US")}\n`);
  const taken: Taken[] = [];
  for (let round = 0; round < rounds; round++) taken.push(await runSubject(plan));
  const of = (name: keyof Taken) => spread(taken.map((one) => one[name]))!;
  return {
    title,
    size,
    gated,
    loadMs: of("loadMs"),
    loadBytes: of("loadBytes"),
    p50: of("p50"),
    p99: of("p99"),
    worst: of("worst"),
  };
}

async function runSubject(plan: Plan): Promise<Taken> {
  refuseWhenClosing();
  const script = join(import.meta.dir, "subject.ts");
  const child = Bun.spawn(pinned(PROXY_CORE, [process.execPath, script, JSON.stringify(plan)]), { stderr: "inherit" });
  const running = track(child.pid);
  const text = await child.stdout.text();
  await running.stop();
  return JSON.parse(text) as Taken;
}
