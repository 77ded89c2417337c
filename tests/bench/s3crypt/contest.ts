/** The rounds: everybody's ciphertext is made and opened once as a proof, then all take turns. Prints nothing but how far it is. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { say } from "../support/contest.ts";
import { rotate } from "../support/stats.ts";
import type { Cipher, Ways, Where } from "./ciphers.ts";
import { runOnce, type Run, type Timed } from "./run-once.ts";

export type Direction = "encrypt" | "decrypt";

export interface Entrant {
  cipher: Cipher;
  ways: Ways;
}

/** One value per round; undefined where a run failed. */
export type Samples = (Timed | undefined)[];

export interface Series {
  cipher: Cipher;
  samples: Partial<Record<Direction, Samples>>;
}

export const EVERY_CORE = "0,1";

/** Those whose ciphertext comes out of it as it went in; and what is wrong with the others. */
export async function prepare(
  ciphers: readonly Cipher[],
  { dir, ...where }: Where,
): Promise<{ entrants: Entrant[]; problems: string[] }> {
  const entrants: Entrant[] = [];
  const problems: string[] = [];
  const wanted = await digestOf(where.plain);
  for (const cipher of ciphers) {
    say(`proof: ${cipher.name}`);
    const own = join(dir, cipher.name);
    mkdirSync(own, { mode: 0o700 });
    try {
      const ways = cipher.setup({ ...where, dir: own });
      await prove(ways, wanted, join(dir, "opened"));
      entrants.push({ cipher, ways });
    } catch (error) {
      problems.push(`${cipher.name}: proof: ${messageOf(error)}`);
    }
  }
  return { entrants, problems };
}

/** What only looks at an object gives nothing back that could be compared. */
async function prove({ encrypt, decrypt, sealed }: Ways, wanted: string, output: string): Promise<void> {
  await runOnce(EVERY_CORE, sealed.by);
  if (decrypt === undefined) return;
  await runOnce(EVERY_CORE, { ...decrypt, output });
  const same = encrypt === undefined || (await digestOf(output)) === wanted;
  rmSync(output);
  if (!same) throw new Error("what was decrypted is not what was encrypted");
}

/** Every entrant once per round and direction, the order rotated. `problems` gets what failed. */
export async function runRounds(
  entrants: readonly Entrant[],
  cores: string,
  rounds: number,
  problems: string[],
): Promise<Series[]> {
  const series = new Map(entrants.map(({ cipher }): [Cipher, Series] => [cipher, { cipher, samples: {} }]));
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}, cores ${cores}`);
    for (const direction of ["encrypt", "decrypt"] as const) {
      for (const { cipher, ways } of rotate(entrants, round)) {
        const run = ways[direction];
        if (run === undefined) continue;
        const { samples } = series.get(cipher)!;
        (samples[direction] ??= []).push(await attempt(`${cipher.name}, ${direction}`, cores, run, problems));
      }
    }
  }
  return [...series.values()];
}

/** Undefined where it failed: then `problems` says how. */
export async function attempt(name: string, cores: string, run: Run, problems: string[]): Promise<Timed | undefined> {
  try {
    return await runOnce(cores, run);
  } catch (error) {
    problems.push(`${name}: ${messageOf(error)}`);
    return undefined;
  }
}

/** A file of random bytes, the same 64 MiB again and again. */
export function writePlain(path: string, size: number): void {
  const block = crypto.getRandomValues(new Uint8Array(65_536));
  const bytes = Buffer.concat(Array.from({ length: 1024 }, () => crypto.getRandomValues(block).slice()));
  const file = openSync(path, "w");
  try {
    for (let left = size; left > 0;) left -= writeSync(file, bytes, 0, Math.min(left, bytes.length));
  } finally {
    closeSync(file);
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(bytes as Uint8Array);
  return hash.digest("hex");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
