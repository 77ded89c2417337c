/** Encrypted objects beside age, rclone, gpg, openssl and libsodium: files in memory to /dev/null, a process each, and a report. Not a test. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { whichPeer } from "../../scripts/peer-list.ts";
import type { Report } from "./run.ts";
import { CIPHERS, type Cipher } from "./s3crypt/ciphers.ts";
import { EVERY_CORE, prepare, runRounds, writePlain, type Entrant } from "./s3crypt/contest.ts";
import { growthBars, growthTable, measureGrowth, sizeText, type Growth } from "./s3crypt/growth.ts";
import { gateTable, speedTable } from "./s3crypt/report.ts";
import { bullets } from "./support/contest.ts";
import { machine, packageVersion, watchOthers } from "./support/machine.ts";
import { parseOptions, select, type Options } from "./support/options.ts";
import { pinOurselves, PROXY_CORE } from "./support/process.ts";
import { figure } from "./support/table.ts";

const MEMORY = "/dev/shm";
const ROWS = [{ name: "one-core" }, { name: "two-cores" }, { name: "growth" }] as const;
const HUGE = "--huge";
const FULL = 2 ** 30;
const QUICK = 256 * 2 ** 20;

/** `npm run bench -- s3crypt [--rounds N] [--quick] [--huge] [--only NAME,…] [--portail binary|source] [--portail-command PROGRAM]`. */
export default async function s3crypt(argv: string[]): Promise<Report> {
  const options = parseOptions(
    argv.filter((word) => word !== HUGE),
    "",
  );
  const { contenders, rows } = select(options.only, { contenders: CIPHERS, rows: ROWS, silent: false });
  const { here, missing } = present(contenders);
  const bytes = options.quick ? QUICK : FULL;
  const huge = argv.includes(HUGE);
  refuseTooLittle((here.length + 3) * bytes);
  pinOurselves();
  const others = watchOthers();
  const dir = scratchFolder();
  const plain = join(dir, "plain");
  writePlain(plain, bytes);
  const portail = options.command.split(" ").map((word) => (word.includes("/") ? resolve(word) : word));
  const { entrants, problems } = await prepare(here, { dir, plain, portail });
  const parts: string[] = [];
  let passed = true;
  for (const [name, cores, title] of [
    ["one-core", String(PROXY_CORE), "one core"],
    ["two-cores", EVERY_CORE, "two cores"],
  ] as const) {
    if (!rows.some((row) => row.name === name)) continue;
    const measured = { bytes, series: await runRounds(entrants, cores, options.rounds, problems) };
    const judged = gateTable(`gates, ${title}`, measured);
    parts.push(speedTable(title, measured), judged.text);
    passed &&= judged.passed;
  }
  discard(entrants, plain);
  if (rows.some(({ name }) => name === "growth")) {
    const growth = await measureGrowth(entrants, { ...options, dir, portail, huge, problems });
    parts.push(growthTable(growth), growthBars(growth), startsText(growth));
  }
  const trouble = [...missing, ...new Set(problems)];
  if (trouble.length > 0) parts.push(bullets("Trouble:", trouble));
  parts.push(bullets("Who took part:", here.map(describe)));
  const keep =
    !options.custom && !options.quick && options.only.length === 0 && options.rounds >= 5 && trouble.length === 0;
  const head = ["## s3crypt", introduction(argv, options, bytes, others())];
  return {
    markdown: [...head, ...parts].filter((part) => part !== "").join("\n\n"),
    keep,
    passed: passed && trouble.length === 0,
  };
}

function present(ciphers: readonly Cipher[]): { here: Cipher[]; missing: string[] } {
  const lacks = ({ programs }: Cipher) => Object.keys(programs).filter((program) => whichPeer(program) === null);
  const here = ciphers.filter((cipher) => lacks(cipher).length === 0);
  const missing = ciphers.flatMap((cipher) => {
    const packages = new Set(lacks(cipher).map((program) => cipher.programs[program]!));
    return packages.size === 0 ? [] : [`${cipher.name} is not here: apt-get install ${[...packages].join(" ")}`];
  });
  return { here, missing };
}

/** What is swapped out would be measured as a disk. */
function refuseTooLittle(bytes: number): void {
  const { bavail, bsize } = statfsSync(MEMORY);
  const [, kib] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  const free = Math.min(bavail * bsize, Number(kib ?? 0) * 1024);
  if (free >= bytes) return;
  throw new PortailError(`${MEMORY} and the memory have room for ${sizeText(Math.floor(free / 2 ** 20) * 2 ** 20)}`, {
    code: "bench.memory",
    exit: EXIT.unavailable,
    hint: `the benchmark takes ${sizeText(bytes)}: use --quick, or --only with fewer contenders`,
  });
}

function scratchFolder(): string {
  const dir = mkdtempSync(join(MEMORY, "portail-bench-"));
  chmodSync(dir, 0o700);
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Room for what grows. */
function discard(entrants: readonly Entrant[], plain: string): void {
  for (const { ways } of entrants) rmSync(ways.sealed.path, { force: true });
  rmSync(plain);
}

function describe({ name, programs, note }: Cipher): string {
  const versions = [...new Set(Object.values(programs))].map((one) => `${one} ${packageVersion(one) ?? ""}`.trim());
  return `**${name}**${versions.length === 0 ? "" : ` (${versions.join(", ")})`}: ${note}`;
}

function startsText({ starts }: Growth): string {
  const ms = (value: { median: number } | undefined) => (value === undefined ? "-" : figure(value.median * 1000));
  return [
    `A start costs portail ${ms(starts?.random)} ms of the processor with 1 KiB and a keyring by a random password, as in all`,
    `tables, and ${ms(starts?.chosen)} ms where somebody chose the password, since scrypt stretches it.`,
  ].join("\n");
}

function introduction(argv: readonly string[], { subject, rounds }: Options, bytes: number, others: number): string {
  return [
    `\`npm run bench -- s3crypt${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${subject}. ${sizeText(bytes)} of random bytes, from a file in memory (tmpfs) as standard input to /dev/null as`,
    "standard output, a process each from its start to its end: opening a keyring, asking for a key and starting the runtime",
    `are in it. ${rounds} rounds, in which the contenders take turns, the order rotated. All are pinned to the same core, or to`,
    "the same two. CPU is user and system time as wait4(2) has it. Cells are medians (min..max). A ratio is the median of the",
    "rounds' ratios; above 1 portail is better. Gates: ds2 at least as fast as libsodium, v3 as age. GB is 10⁹ bytes. Before",
    "the rounds each one's ciphertext was made and opened, and what came out compared with what went in.",
    "",
    `Other programs took ${Math.round(others * 100)} % of the machine's processor time during the run.`,
  ].join("\n");
}
