/** Who takes part beside the access proxy: how each proxy is configured and started as one worker without log or cache. Starts nothing itself. */
import { join } from "node:path";
import { TARGETS } from "../load/addresses.ts";
import { lines, type Contender, type Setup, type Where } from "./contender.ts";

const microsocks: Contender = {
  name: "microsocks",
  family: "SOCKS",
  via: "socks",
  peer: true,
  programs: ["microsocks"],
  note: "one process, one thread per client; it writes a line per connection, which cannot be switched off (to a file)",
  setup: ({ port }) => ({
    daemons: [{ argv: ["microsocks", "-i", "127.0.0.1", "-p", String(port)], port }],
    files: {},
  }),
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
  setup: ({ port, dir }) => ({
    daemons: [{ argv: ["danted", "-N", "1", "-f", join(dir, "danted.conf"), "-p", join(dir, "danted.pid")], port }],
    files: {
      "danted.conf": lines(
        "logoutput: /dev/null",
        `internal: 127.0.0.1 port = ${port}`,
        "external: lo",
        "clientmethod: none",
        "socksmethod: none",
        "user.privileged: root",
        "user.unprivileged: nobody",
        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }",
        "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }",
      ),
    },
  }),
};

/** Tinyproxy at `port`; `name` is that of its file, `more` are lines of its configuration. */
export function tinyproxyAt(port: number, dir: string, name = "tinyproxy", more: string[] = []): Setup {
  const file = `${name}.conf`;
  return {
    daemons: [{ argv: ["tinyproxy", "-d", "-c", join(dir, file)], port }],
    files: {
      [file]: lines(
        `Port ${port}`,
        "Listen 127.0.0.1",
        "Timeout 600",
        "MaxClients 5000",
        "Allow 127.0.0.0/8",
        "LogLevel Critical",
        ...more,
      ),
    },
  };
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
export function squidAt(listen: string, port: number, dir: string, name = "squid", more: string[] = []): Setup {
  const file = `${name}.conf`;
  return {
    daemons: [{ argv: ["squid", "-N", "-n", name, "-f", join(dir, file)], port }],
    files: {
      [file]: lines(
        listen,
        "http_access allow all",
        "cache deny all",
        "cache_mem 0",
        "access_log none",
        "cache_log /dev/null",
        "cache_store_log none",
        "pid_filename none",
        "pinger_enable off",
        `coredump_dir ${dir}`,
        "max_filedescriptors 16384",
        "shutdown_lifetime 0 seconds",
        "workers 1",
        ...more,
      ),
    },
  };
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
  setup: ({ port, targetPort, dir }) => ({
    daemons: [{ argv: ["haproxy", "-db", "-f", join(dir, "haproxy.cfg")], port }],
    files: {
      "haproxy.cfg": lines(
        "global",
        "  nbthread 1",
        "  maxconn 8000",
        "defaults",
        "  mode tcp",
        "  timeout connect 5s",
        "  timeout client 10m",
        "  timeout server 10m",
        "listen relay",
        `  bind 127.0.0.1:${port}`,
        ...TARGETS.map((host, index) => `  server target${index} ${host}:${targetPort}`),
      ),
    },
  }),
};

const direct: Contender = {
  name: "direct",
  family: "direct",
  via: "none",
  peer: false,
  programs: [],
  note: "no proxy: what generator and target reach between them on their one core, the ceiling of the bulk and rate rows",
};

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
