/** The access proxy with TLS in front, and two in a row, beside their peers: rounds in rotating order and a report. Not a test. */
import { fronts } from "./fronts/contenders.ts";
import type { Report } from "./run.ts";
import { benchesFor, participants, present, runRounds, scratchFolder, troubles } from "./support/contest.ts";
import { machine } from "./support/machine.ts";
import type { Entrant } from "./support/measure.ts";
import { FULL, QUICK } from "./support/modes.ts";
import { isComplete, parseOptions, select, type Options } from "./support/options.ts";
import { LOAD_CORE, pinOurselves, PROXY_CORE } from "./support/process.ts";
import { gateTable } from "./support/report.ts";
import { FRONT_ROWS } from "./support/rows.ts";
import { writeMaterial } from "./tunnel/material.ts";

/** `npm run bench -- fronts [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command TEMPLATE]`. */
export default async function benchFronts(argv: string[]): Promise<Report> {
  const options = parseOptions(argv, "socks --listen 127.0.0.1:PORT --acl ACL");
  const menu = { contenders: fronts(options.command), rows: FRONT_ROWS, silent: false };
  const { contenders, rows } = select(options.only, menu);
  const { here, missing } = present(contenders);
  pinOurselves();
  const dir = scratchFolder();
  await writeMaterial(dir);
  const effort = options.quick ? QUICK : FULL;
  const modes = new Set(rows.map(({ mode }) => mode));
  const benches = await benchesFor(here, dir, effort);
  const entrants = [...benches].map(([contender, bench]): Entrant => ({ contender, modes, bench }));
  const series = await runRounds(entrants, options.rounds);
  const parts = ["## fronts", introduction(argv, options)];
  let passed = missing.length === 0;
  for (const family of ["CONNECT over TLS", "two in a row"] as const) {
    const members = series.filter(({ contender }) => contender.family === family);
    if (members.length === 0) continue;
    const { text, judged } = gateTable(family, members, rows);
    passed &&= judged.every(({ verdict }) => verdict === "pass" || verdict === "");
    parts.push(text);
  }
  const trouble = troubles(missing, series, []);
  if (trouble !== undefined) parts.push(trouble);
  parts.push(participants(series));
  return { markdown: parts.join("\n\n"), keep: isComplete(options, missing), passed };
}

function introduction(argv: readonly string[], { subject, rounds }: Options): string {
  return [
    `\`npm run bench -- fronts${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${subject}. ${rounds} rounds, in which the contenders take turns at each load, the order rotated. All processes of a`,
    `contender are pinned to core ${PROXY_CORE}; the load generator and the target share core ${LOAD_CORE}. Each connection over TLS is a full handshake`,
    "(ECDSA P-256, X25519: what all of them have). Cells are medians (min..max). A ratio is the median of the rounds' ratios of portail to the peer with the",
    "best median; above 1 portail is better. The gate asks for 1.00 and for no failed connection.",
  ].join("\n");
}
