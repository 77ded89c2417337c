/** Who takes part beside the access proxy: how each proxy is configured and started as one worker without log or cache. Starts nothing itself. */
import { join } from "node:path";
import * as peer from "../../support/peer-programs.ts";
import type { PeerOptions } from "../../support/peer-programs.ts";
import { TARGETS } from "../load/addresses.ts";
import { alone, directly, type Contender, type Setup, type Where } from "./contender.ts";

const microsocks: Contender = {
  name: "microsocks",
  family: "SOCKS",
  via: "socks",
  peer: true,
  programs: ["microsocks"],
  note: "one process, one thread per client; it writes a line per connection, which cannot be switched off (to a file)",
  setup: ({ port }) => alone(peer.microsocks(port), port),
};

const danted: Contender = {
  name: "danted",
  family: "SOCKS",
  via: "socks",
  peer: true,
  programs: ["danted"],
  note:
    "`-N 1`, its minimum: one main server, which still forks a monitor, a negotiator, 16 request processes and one " +
    "process per 32 tunnels; they share pages, so that the sum of RSS flatters nobody but is not what they cost (see PSS)",
  setup: ({ port, dir }) =>
    alone(peer.danted(dir, port, "pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }"), port),
};

/** Tinyproxy at `port` for as many clients as there are in a benchmark. */
export function tinyproxyAt(port: number, dir: string, { more = [], ...name }: PeerOptions = {}): Setup {
  const lines = ["Timeout 600", "MaxClients 5000", "Allow 127.0.0.0/8", ...more];
  return alone(peer.tinyproxy(dir, port, { ...name, more: lines }), port);
}

const tinyproxy: Contender = {
  name: "tinyproxy",
  family: "CONNECT",
  via: "connect",
  peer: true,
  programs: ["tinyproxy"],
  note: "one process, one thread per client; `MaxClients` raised from 100, log level critical",
  setup: ({ port, dir }) => tinyproxyAt(port, dir),
};

/** Squid that listens as the line `listen` says, at `port`. */
export function squidAt(listen: string, port: number, dir: string, { more = [], ...name }: PeerOptions = {}): Setup {
  const lines = [`coredump_dir ${dir}`, "max_filedescriptors 16384", "workers 1", ...more];
  return alone(peer.squid(dir, listen, { ...name, more: lines }), port);
}

const squid: Contender = {
  name: "squid",
  family: "CONNECT",
  via: "connect",
  peer: true,
  programs: ["squid"],
  note: "`-N`, one process; no cache, no disk, no access log",
  setup: ({ port, dir }) => squidAt(`http_port 127.0.0.1:${port}`, port, dir),
};

const haproxy: Contender = {
  name: "haproxy",
  family: "relay",
  via: "none",
  peer: false,
  programs: ["haproxy"],
  note: "bare TCP relay to the target, `nbthread 1`: no protocol, no policy; for orientation, not in the gate",
  setup: ({ port, targetPort, dir }) =>
    haproxyAt(port, dir, [
      "listen relay",
      `  bind 127.0.0.1:${port}`,
      ...TARGETS.map((host, index) => `  server target${index} ${host}:${targetPort}`),
    ]),
};

/** HAProxy at `port` for as many clients as there are in a benchmark. */
export function haproxyAt(port: number, dir: string, sections: string[], name = "haproxy"): Setup {
  return alone(peer.haproxy(dir, sections, { name, global: ["maxconn 8000"] }), port);
}

const direct = directly(
  "no proxy: what generator and target reach between them on their one core, the ceiling of the bulk and rate rows",
);

/** The command with its words `PORT`, `TARGET` and `ACL` (also inside a word) filled in. Words are split at spaces. */
export function fillCommand(template: string, where: Where): string[] {
  return template
    .split(" ")
    .filter((word) => word !== "")
    .map((word) =>
      word
        .replaceAll("PORT", String(where.port))
        .replaceAll("TARGET", String(where.targetPort))
        .replaceAll("ACL", join(where.dir, "bench.acl")),
    );
}

/** Everyone, portail once per protocol. `command` is a template, see {@link fillCommand}. */
export function contenders(command: string): Contender[] {
  const portail = {
    name: "portail",
    peer: false,
    programs: [],
    note: "one process, default limits, no audit sink, a policy of one address range",
    setup: (where: Where): Setup => ({
      daemons: [{ argv: fillCommand(command, where), port: where.port }],
      files: { "bench.acl": "policy all { when dest.ip in [127.0.0.0/8] action allow }\n" },
    }),
  };
  return [
    { ...portail, family: "SOCKS", via: "socks" },
    microsocks,
    danted,
    { ...portail, family: "CONNECT", via: "connect" },
    tinyproxy,
    squid,
    haproxy,
    direct,
  ];
}
