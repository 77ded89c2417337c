/** UDP associations beside those of dante: rounds in rotating order, one core for the proxy and one for the load, and a report. Not a test. */
import { danted } from "../support/peer-programs.ts";
import type { Report } from "./run.ts";
import { participants, present, runRounds, scratchFolder, troubles } from "./support/contest.ts";
import { alone, directly, type Contender } from "./support/contender.ts";
import { machine } from "./support/machine.ts";
import type { Bench } from "./support/measure.ts";
import { FULL, QUICK } from "./support/modes.ts";
import { isComplete, parseOptions, select, type Options } from "./support/options.ts";
import { fillCommand } from "./support/peers.ts";
import { LOAD_CORE, pinOurselves, PROXY_CORE } from "./support/process.ts";
import { gateTable, plainTable } from "./support/report.ts";
import { UDP_ROWS } from "./support/rows.ts";

/** `npm run bench -- socks-udp [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command TEMPLATE]`. */
export default async function socksUdp(argv: string[]): Promise<Report> {
  const options = parseOptions(argv, "socks --udp --listen 127.0.0.1:PORT --acl ACL");
  const everyone = contenders(options.command);
  const { contenders: chosen, rows } = select(options.only, { contenders: everyone, rows: UDP_ROWS, silent: false });
  const { here, missing } = present(chosen);
  pinOurselves();
  const effort = options.quick ? QUICK : FULL;
  // The echo is the load generator's own.
  const bench: Bench = { dir: scratchFolder(), targetPort: 9, effort };
  const modes = new Set(rows.map(({ mode }) => mode));
  const series = await runRounds(
    here.map((contender) => ({ contender, modes, bench })),
    options.rounds,
  );
  const complete = isComplete(options, missing);
  const proxies = series.filter(({ contender }) => contender.family === "SOCKS");
  const { text, judged } = gateTable("SOCKS", proxies, rows);
  const parts = ["## socks-udp", introduction(argv, options), text];
  const orientation = series.filter(({ contender }) => contender.family === "direct");
  if (orientation.length > 0) parts.push(plainTable(orientation, rows));
  const trouble = troubles(missing, series, []);
  if (trouble !== undefined) parts.push(trouble);
  parts.push(participants(series));
  const passed = judged.every(({ verdict }) => verdict === "pass" || verdict === "");
  return { markdown: parts.join("\n\n"), keep: complete, passed: passed && missing.length === 0 };
}

function contenders(command: string): Contender[] {
  return [
    {
      name: "portail",
      family: "SOCKS",
      via: "socks",
      peer: false,
      programs: [],
      note: "one process, default limits, no audit sink, a policy of one address range for connections and datagrams",
      setup: (where) => ({
        daemons: [{ argv: fillCommand(command, where), port: where.port }],
        files: {
          "bench.acl": 'policy all { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.0/8] action allow }\n',
        },
      }),
    },
    {
      name: "danted",
      family: "SOCKS",
      via: "socks",
      peer: true,
      programs: ["danted"],
      note: "`-N 1`; a process for up to 32 associations relays them, so that one core is all that it uses",
      setup: ({ port, dir }) =>
        alone(danted(dir, port, "pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: udpassociate udpreply }"), port),
    },
    directly("no proxy: what the generator and its echo reach, the ceiling of all"),
  ];
}

function introduction(argv: string[], { subject, rounds }: Options): string {
  return [
    `\`npm run bench -- socks-udp${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${subject}. ${rounds} rounds, in which the contenders take turns, the order rotated. Each proxy is pinned to core`,
    `${PROXY_CORE}; the load generator, which is also the echo, to core ${LOAD_CORE}. 32 datagrams are under way on each association; one that`,
    "comes back has passed the proxy twice. Cells are medians (min..max). A ratio is the median of the rounds' ratios of portail",
    "to the peer with the best median; above 1 portail is better. The gate asks for 1.00.",
  ].join("\n");
}
