/** The mTLS tunnel with its key in a token, beside itself with the key in memory and stunnel with an engine. Not a test. */
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODULE, PIN, SoftHsm } from "../support/softhsm.ts";
import { mannered } from "../support/token-modules.ts";
import type { Report } from "./run.ts";
import {
  benchesFor,
  participants,
  present,
  runRounds,
  say,
  scratchFolder,
  startTarget,
  troubles,
} from "./support/contest.ts";
import { machine } from "./support/machine.ts";
import type { Bench, Entrant } from "./support/measure.ts";
import { FULL, QUICK, type Effort } from "./support/modes.ts";
import { isComplete, parseOptions, select, type Options } from "./support/options.ts";
import { LOAD_CORE, pinOurselves, PROXY_CORE } from "./support/process.ts";
import { cell, type Series } from "./support/report.ts";
import { TOKEN_ROWS, type NamedRow } from "./support/rows.ts";
import { ratiosByRound, spread } from "./support/stats.ts";
import { figure, table } from "./support/table.ts";
import { SUBJECT, tokenContenders, type TokenPlace } from "./tokens/contenders.ts";
import { askHaproxy } from "./tokens/haproxy.ts";
import { measureSlow, SIGNING, WAITING, type SlowFigures } from "./tokens/slow.ts";
import { writeMaterial } from "./tunnel/material.ts";

/** Shorter than in others: there are five who take turns, and no gate on what they do. */
const EFFORT: Effort = { ...FULL, bulkMs: 2000, rateWarmupMs: 3000, rateMs: 3000, echoes: 10_000 };
/** Milliseconds that the p99 of others may be while clients wait for a slow token. */
const MOST = 50;

/** `npm run bench -- tokens [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command PROGRAM]`. */
export default async function tokens(argv: string[]): Promise<Report> {
  const options = parseOptions(argv, "");
  const dir = scratchFolder();
  await writeMaterial(dir);
  const place = await fillToken(dir);
  const menu = { contenders: tokenContenders(options.command, place), rows: TOKEN_ROWS, silent: false };
  const { contenders, rows } = select(options.only, menu);
  const { here, missing } = present(contenders);
  pinOurselves();
  const effort = options.quick ? QUICK : EFFORT;
  const modes = new Set(rows.map(({ mode }) => mode));
  const benches = await benchesFor(here, dir, effort);
  const entrants = [...benches].map(([contender, bench]): Entrant => ({ contender, modes, bench }));
  const series = await runRounds(entrants, options.rounds);
  const [slowPort] = await startTarget(1);
  const slow = await slowRounds(options, place, { dir, targetPort: slowPort!, effort });
  const trouble = troubles(missing, series, slow.problems);
  const parts = [
    "## tokens",
    introduction(argv, options),
    comparison(series, rows),
    slow.text,
    await askHaproxy(dir, place.uri),
    ...(trouble === undefined ? [] : [trouble]),
    participants(series),
  ];
  return {
    markdown: parts.join("\n\n"),
    keep: isComplete(options, missing),
    passed: slow.passed && trouble === undefined,
  };
}

interface Places extends TokenPlace {
  slowUri: string;
}

/** The key of the server into a token. */
async function fillToken(dir: string): Promise<Places> {
  const folder = {
    path: (name: string) => join(dir, name),
    write(name: string, text: string | Uint8Array, mode = 0o644) {
      writeFileSync(join(dir, name), text, { mode });
      return join(dir, name);
    },
  };
  const hsm = new SoftHsm(folder, "bench");
  const cert = await Bun.file(join(dir, "server.pem")).text();
  const key = await Bun.file(join(dir, "server.key")).text();
  hsm.put({ key, der: new X509Certificate(cert).raw }, "server", "01");
  const pin = folder.write("pin", `${PIN}\n`, 0o600);
  const slow = mannered(folder, MODULE, { signing: SIGNING, env: hsm.env });
  const bareUri = "pkcs11:token=bench;object=server";
  const uri = (module: string) => `${bareUri}?module-path=${module}&pin-source=file:${pin}`;
  return { env: hsm.env, bareUri, uri: uri(MODULE), slowUri: uri(slow) };
}

interface SlowRounds {
  text: string;
  problems: string[];
  passed: boolean;
}

async function slowRounds({ command, rounds }: Options, place: Places, bench: Bench): Promise<SlowRounds> {
  const found: SlowFigures[] = [];
  const problems: string[] = [];
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}: latency beside a slow token`);
    try {
      found.push(await measureSlow(command, place, bench));
    } catch (error) {
      problems.push(`slow token: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const [without, beside, waiting, served] = (["without", "with", "waiting", "served"] as const).map((name) =>
    spread(found.map((figures) => figures[name])),
  );
  const text = (values: typeof without) =>
    values === undefined ? "-" : `${figure(values.median)} (${figure(values.min)}..${figure(values.max)})`;
  const passed = beside !== undefined && beside.max < MOST;
  const row = ["1-byte echo, p99 (ms)", text(without), text(beside), `< ${MOST}`, passed ? "pass" : "FAIL"];
  const rows = [row, ["clients that wait at its end", "0", text(waiting)], ["clients served", "0", text(served)]];
  const head = ["another tunnel of the process", "alone", `${WAITING} clients wait for a slow token`, "gate", ""];
  return { text: table(head, rows), problems, passed };
}

/** A column for each, and how portail with its key in the token compares to each of the others. */
function comparison(series: readonly Series[], rows: readonly NamedRow[]): string {
  const ours = series.find(({ contender }) => contender.name === SUBJECT);
  const others = series.filter(({ contender }) => contender.peer);
  const values = (one: Series | undefined, { name }: NamedRow) => one?.rounds.map((round) => round.values[name]) ?? [];
  const body = rows.map((row) => [
    `${row.title} (${row.unit})`,
    ...series.map((one) => cell(one, row.name)),
    ...others.map((other) => {
      const found = spread(ratiosByRound(row.better, values(ours, row), values(other, row)));
      return found === undefined ? "-" : found.median.toFixed(2);
    }),
  ]);
  const names = series.map(({ contender }) => contender.name);
  return table(["key in a token", ...names, ...others.map(({ contender }) => `to ${contender.name}`)], body);
}

function introduction(argv: readonly string[], { subject, rounds }: Options): string {
  return [
    `\`npm run bench -- tokens${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${subject}. ${rounds} rounds, in which the contenders take turns at each load, the order rotated. A contender is a`,
    "server side with a P-256 key; the client side before it is HAProxy with a certificate for all, which makes full handshakes of",
    `TLS 1.3. All processes of a contender are pinned to core ${PROXY_CORE}, the client side included; generator and target share core ${LOAD_CORE}.`,
    "Cells are medians (min..max). A ratio is the median of the rounds' ratios of portail with its key in the token to the other;",
    "above 1 portail is better. No figure of them is a gate.",
    "",
    `In the second table one process has two tunnels, both with keys in tokens: round trips go through one, and ${WAITING} clients come again`,
    `and again to the other, whose token takes ${SIGNING} ms for each signature. The greatest of the rounds must be within the gate.`,
  ].join("\n");
}
