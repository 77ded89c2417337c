/** What the benchmarks of proxies have in common: the scratch folder, the rounds, and the parts of a report that are no table. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PEERS, whichPeer } from "../../../scripts/peer-list.ts";
import type { Contender } from "./contender.ts";
import type { TargetPlan, TargetResult } from "../load/plan.ts";
import { startLoad } from "./load.ts";
import { packageVersion } from "./machine.ts";
import { measureRound, type Bench, type Entrant } from "./measure.ts";
import type { Effort } from "./modes.ts";
import type { Series } from "./report.ts";
import { rotate } from "./stats.ts";

/** A folder for configuration, gone with the program. Some peers change to a user of their own before they write there. */
export function scratchFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "portail-bench-"));
  chmodSync(dir, 0o1777);
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Those whose programs are all here, and the names of those that are not. */
export function present(contenders: readonly Contender[]): { here: Contender[]; missing: string[] } {
  const isHere = ({ programs }: Contender) => programs.every((program) => whichPeer(program) !== null);
  return { here: contenders.filter(isHere), missing: contenders.filter((one) => !isHere(one)).map(({ name }) => name) };
}

/** A target that listens at so many ports, which it answers. */
export async function startTarget(ports: number): Promise<number[]> {
  const plan: TargetPlan = { ports };
  return (await startLoad<TargetResult>("target", plan, 10_000)).answer.ports;
}

/**
 * One target for all, since of two processes that do the same one is faster than the other (measured: by 3 %), with a port
 * for each: connections of another one, in TIME_WAIT at the same port, would slow it down.
 */
export async function benchesFor(
  contenders: readonly Contender[],
  dir: string,
  effort: Effort,
): Promise<Map<Contender, Bench>> {
  const ports = await startTarget(contenders.length);
  return new Map(contenders.map((contender, i) => [contender, { dir, targetPort: ports[i]!, effort }]));
}

/** Every entrant once per round, the order rotated. */
export async function runRounds(entrants: readonly Entrant[], rounds: number): Promise<Series[]> {
  const series = entrants.map(({ contender }): Series => ({ contender, rounds: [] }));
  for (let round = 0; round < rounds; round++) {
    const results = await measureRound(rotate(entrants, round), (text) =>
      say(`round ${round + 1} of ${rounds}: ${text}`),
    );
    for (const one of series) one.rounds.push(results.get(one.contender)!);
  }
  return series;
}

/** What went wrong, each thing once. Undefined when nothing did. */
export function troubles(missing: readonly string[], series: readonly Series[], more: string[]): string | undefined {
  const list = [
    ...missing.map((name) => `${name} is not installed`),
    ...series.flatMap(({ contender: { family, name }, rounds }) =>
      rounds.flatMap(({ problems }) => problems.map((problem) => `${family} ${name}: ${problem}`)),
    ),
    ...more,
  ];
  return list.length === 0 ? undefined : bullets("Trouble:", [...new Set(list)]);
}

/** Who took part, with the version and how it was configured: once for each way in which it was. */
export function participants(series: readonly Series[]): string {
  return bullets("Who took part:", [...new Set(series.map(({ contender }) => describe(contender)))]);
}

/** Progress, for whoever waits. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `PROGRAM VERSION` of each program but modules, without the program's name where it is the contender's. */
function describe({ name, programs, note }: Contender): string {
  const versions = programs.flatMap((program) => {
    const version = program.includes(":") ? undefined : packageVersion(PEERS[program]);
    if (version === undefined) return [];
    return [program === name ? version : `${program} ${version}`];
  });
  return `**${name}**${versions.length === 0 ? "" : ` ${versions.join(", ")}`}: ${note}`;
}

/** A list under a title. */
export function bullets(title: string, list: readonly string[]): string {
  return `${title}\n\n${list.map((one) => `- ${one}`).join("\n")}`;
}
