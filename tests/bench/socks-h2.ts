/** HTTP/2 in front of the access proxy beside its peers, one core for the proxy and one for the load. Not a test. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { haproxy, install, squid, tinyproxy, type PeerProgram } from "../support/peer-programs.ts";
import type { Report } from "./run.ts";
import { scratchFolder } from "./support/contest.ts";
import { machine } from "./support/machine.ts";
import { spread } from "./support/stats.ts";
import { whichPeer } from "../../scripts/peer-list.ts";

const ROOT = resolve(import.meta.dir, "../..");
const PROXY_CORE = "0";
const LOAD_CORE = "1";
/** Milliseconds in which all of them listen. */
const START = 3000;

type Row = Record<string, number>;

/** What is measured, which number of it counts, and what it is called. */
const ROWS = [
  { mode: "one", key: "mibs", name: "one tunnel, MiB/s" },
  { mode: "hundred", key: "mibs", name: "100 tunnels, MiB/s" },
  { mode: "stalled", key: "mibs", name: "99 tunnels and one stalled, MiB/s" },
  { mode: "rate", key: "perSecond", name: "new tunnels/s" },
] as const;

interface Peer {
  name: string;
  port: number;
  /** All its processes count: the peers' HTTP/2 is in front of a proxy in HTTP/1.1. */
  commands: string[][];
}

/** `npm run bench -- socks-h2 [--rounds N]`. */
export default async function socksH2(argv: string[]): Promise<Report> {
  const rounds = Number(argv[argv.indexOf("--rounds") + 1] ?? 5) || 5;
  const peers = contenders(scratchFolder());
  const here = peers.filter(({ commands }) => commands.every(([program]) => whichPeer(program!) !== null));
  const found = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const { mode, key } of ROWS) {
      for (let i = 0; i < here.length; i++) {
        const peer = here[(i + round) % here.length]!;
        const value = (await measure(peer, mode))[key] ?? 0;
        const cell = `${mode} ${peer.name}`;
        found.set(cell, [...(found.get(cell) ?? []), value]);
      }
    }
  }
  return report(argv, here, found, rounds);
}

function report(argv: string[], peers: Peer[], found: Map<string, number[]>, rounds: number): Report {
  const of = (mode: string, name: string) => spread(found.get(`${mode} ${name}`) ?? [])?.median ?? 0;
  let passed = true;
  const lines = ROWS.map(({ mode, name }) => {
    const best = Math.max(...peers.slice(1).map((peer) => of(mode, peer.name)));
    const ratio = of(mode, "portail") / best;
    passed &&= ratio >= 1;
    return `| ${[name, ...peers.map((peer) => of(mode, peer.name).toFixed(0)), ratio.toFixed(2)].join(" | ")} |`;
  });
  const lost = 1 - of("stalled", "portail") / 99 / (of("hundred", "portail") / 100);
  passed &&= lost < 0.1;
  const head = ["", ...peers.map(({ name }) => name), "to the best peer"];
  const markdown = [
    "## socks-h2",
    `\`npm run bench -- socks-h2${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}. Medians of ${rounds} rounds.`,
    [`| ${head.join(" | ")} |`, `|${head.map(() => " --- |").join("")}`, ...lines].join("\n"),
    `With one tunnel stalled, each other loses ${(100 * lost).toFixed(1)} % of its throughput; the gate is 10 %.`,
  ].join("\n\n");
  return { markdown, keep: rounds >= 5 && peers.length === 3, passed };
}

/** A fresh start for each measurement: nothing of one is left for the next. */
async function measure({ port, commands }: Peer, mode: string): Promise<Row> {
  const running = commands.map((command) =>
    Bun.spawn(["taskset", "-c", PROXY_CORE, ...command], { stdout: "ignore", stderr: "ignore", stdin: "ignore" }),
  );
  try {
    await Bun.sleep(START);
    const pids = running.map(({ pid }) => String(pid));
    const script = join(import.meta.dir, "load/http2-measure.ts");
    const load = Bun.spawn(["taskset", "-c", LOAD_CORE, process.execPath, script, mode, String(port), "2", ...pids], {
      stdout: "pipe",
      stderr: "ignore",
      timeout: 30_000,
    });
    const text = await load.stdout.text();
    return text === "" ? {} : (JSON.parse(text) as Row);
  } finally {
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(running.map(({ exited }) => exited));
  }
}

function contenders(dir: string): Peer[] {
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const policy = file("h2.acl", "policy all {\n  when dest.ip in [127.0.0.0/8]\n  action allow\n}\n");
  const portail = [
    process.execPath,
    join(ROOT, "cli/main.ts"),
    "socks",
    "--listen",
    "127.0.0.1:18480",
    "--acl",
    policy,
  ];
  /** HAProxy, which speaks HTTP/2, and the proxy in HTTP/1.1 behind it. */
  const behindHaproxy = (port: number, behind: number, name: string, proxy: PeerProgram) => {
    const front = ["listen front", `  bind 127.0.0.1:${port} proto h2`, `  server proxy 127.0.0.1:${behind}`];
    return [haproxy(dir, front, { name, mode: "http" }), proxy].map((program) => install({ write: file }, program));
  };
  const tunnels = ["Timeout 600", "MaxClients 1000"];
  return [
    { name: "portail", port: 18_480, commands: [portail] },
    {
      name: "HAProxy + squid",
      port: 18_481,
      commands: behindHaproxy(18_481, 18_489, "h2-a", squid(dir, "http_port 127.0.0.1:18489")),
    },
    {
      name: "HAProxy + tinyproxy",
      port: 18_482,
      commands: behindHaproxy(18_482, 18_488, "h2-b", tinyproxy(dir, 18_488, { more: tunnels })),
    },
  ];
}
