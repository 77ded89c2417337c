/** Who takes part in the benchmark of the transparent proxy: what captures and wraps, each with the same server side. Starts nothing itself. */
import type { Contender, Where } from "../support/contender.ts";
import { haproxy, redsocks, squid, type PeerProgram } from "../../support/peer-programs.ts";
import { freePort } from "../../support/free-port.ts";
import { SERVER_NAME } from "../tunnel/material.ts";
import { contender, direct } from "../tunnel/pairs.ts";
import { haproxyServer, TLS13 } from "../tunnel/sides.ts";

/** What HAProxy and OpenSSL 3.0 agree on. By itself portail would agree on the post-quantum X25519MLKEM768 where the other side can. */
const GROUPS = ["--tls-groups", "X25519"];

/** Everyone. `command` starts portail; its words are split at spaces. */
export function captures(command: string): Contender[] {
  const program = command.split(" ").filter((word) => word !== "");
  return [
    capturing("portail", false, "`tproxy run --tls-groups X25519`, default limits, no audit, `--quiet`", (where) =>
      portail(program, where),
    ),
    capturing("haproxy", true, "TCP mode, `nbthread 1`, `server *:PORT`", haproxyCapturing),
    passing("portail", false, "`tproxy run --passthrough`", STAND_INS.portail, (where) =>
      portailPassing(program, where, STAND_INS.portail),
    ),
    passing("haproxy", true, "TCP mode, `nbthread 1`, `use_backend` by `dst`", STAND_INS.haproxy, haproxyPassing),
    leading("portail", false, "`tproxy run --passthrough --proxy http://…`", (where, proxy) =>
      portailPassing(program, where, STAND_INS.portailLeading, {
        name: ONLY_PROXY_KNOWS,
        more: ["--proxy", `http://127.0.0.1:${proxy}`],
      }),
    ),
    leading("redsocks", true, "`http-connect`", redsocksLeading),
    contender(tunnel(program), false),
    direct,
  ];
}

function tunnel(program: readonly string[]) {
  return {
    name: "portail tunnel",
    programs: ["haproxy"] as const,
    note: "`tunnel client --tls-groups X25519`, which captures nothing",
    client: ({ port, to, dir, resume }: { port: number; to: number; dir: string; resume: boolean }): PeerProgram => {
      const addresses = ["--listen", `127.0.0.1:${port}`, "--target", `127.0.0.1:${to}`];
      const identity = ["--cert", `${dir}/client.pem`, "--key", `${dir}/client.key`, "--cacert", `${dir}/ca.pem`];
      const rest = ["--quiet=all", ...GROUPS, ...(resume ? [] : ["--no-session-resumption"])];
      const name = ["--override-server-name", SERVER_NAME];
      return { argv: [...program, "tunnel", "client", ...addresses, ...identity, ...rest, ...name], files: {} };
    },
    server: haproxyServer,
  };
}

interface Front extends PeerProgram {
  /** Where it listens. */
  listen: number;
  /** Where it makes its table itself. */
  table?: string;
}

/** Connections are made to a port where nobody listens. */
function capturing(name: string, peer: boolean, note: string, front: (where: Where) => Front): Contender {
  return {
    name,
    family: "mTLS",
    via: "none",
    peer,
    programs: ["haproxy", "nft", "unshare", "ip"],
    note,
    setup(where) {
      const { link, targetPort, dir } = where;
      const far = haproxyServer({ port: link.listen, to: targetPort, dir, resume: link.resume });
      const near = front(where);
      return {
        daemons: [
          { argv: far.argv, port: link.listen },
          { argv: near.argv, port: near.listen, table: near.table },
        ],
        files: { ...far.files, ...near.files },
      };
    },
  };
}

function portail(program: readonly string[], { port, link, dir }: Where): Front {
  const listen = freePort();
  const table = ["--instance", `at-${port}`, "--listen-port", String(listen), "--capture-to", "127.0.0.1/32"];
  const identity = ["--cert", `${dir}/client.pem`, "--key", `${dir}/client.key`, "--cacert", `${dir}/ca.pem`];
  const rest = ["--hosts", `${dir}/hosts`, "--quiet", ...GROUPS, ...(link.resume ? [] : ["--no-session-resumption"])];
  const argv = [...program, "tproxy", "run", ...table, "--portMap", `${port}:${link.dial}`, ...identity, ...rest];
  return { argv, listen, table: `inet portail-at-${port}`, files: { hosts: `127.0.0.1 ${SERVER_NAME}\n` } };
}

/** Addresses of loopback where nobody listens, one for each that captures what is sent there. */
export const STAND_INS = {
  portail: "198.18.0.1",
  haproxy: "198.18.0.2",
  portailLeading: "198.18.0.3",
  redsocks: "198.18.0.4",
} as const;

/** Connections to a stand-in go on in the clear. */
function passing(name: string, peer: boolean, note: string, at: string, front: (where: Where) => Front): Contender {
  return {
    name,
    family: "relay",
    via: "none",
    at,
    peer,
    programs: ["haproxy", "nft", "unshare", "ip"],
    note,
    setup(where) {
      const { argv, listen, table, files } = front(where);
      return { daemons: [{ argv, port: listen, table }], files };
    },
  };
}

/** Connections to a stand-in are led to a proxy, which goes to the target. */
function leading(
  name: "portail" | "redsocks",
  peer: boolean,
  note: string,
  front: (where: Where, proxy: number) => Front,
): Contender {
  const at = name === "portail" ? STAND_INS.portailLeading : STAND_INS.redsocks;
  return {
    name,
    family: "to a proxy",
    via: "none",
    at,
    peer,
    programs: [...(name === "redsocks" ? [name] : []), "squid", "nft", "setpriv", "unshare", "ip"],
    note,
    setup(where) {
      const proxy = freePort();
      const { argv, listen, table, files } = front(where, proxy);
      const behind = squid(where.dir, `http_port 127.0.0.1:${proxy}`, {
        name: `squid${proxy}`,
        more: [`hosts_file ${where.dir}/proxy-hosts`, `coredump_dir ${where.dir}`, "max_filedescriptors 16384"],
      });
      const asUser = ["setpriv", `--reuid=${PROXY_USER}`, "--clear-groups", ...behind.argv];
      return {
        daemons: [
          { argv: asUser, port: proxy },
          // A connection to redsocks itself would be led to itself, again and again.
          { argv, table, ...(name === "redsocks" ? { host: at, port: where.targetPort } : { port: listen }) },
        ],
        files: { ...files, ...behind.files, "proxy-hosts": `127.0.0.1 ${ONLY_PROXY_KNOWS}\n` },
      };
    },
  };
}

/** What the proxy is asked for by portail, which passes names on; redsocks knows addresses only. */
const ONLY_PROXY_KNOWS = "target.example";

/** The user `nobody`, whose connections are led to the target itself: redsocks knows no other address than the stand-in. */
const PROXY_USER = 65_534;

function portailPassing(
  program: readonly string[],
  { dir, targetPort }: Where,
  standIn: string,
  { name = SERVER_NAME, more = [] }: { name?: string; more?: readonly string[] } = {},
): Front {
  const listen = freePort();
  const hosts = `stand-in-${standIn}`;
  const table = ["--instance", `to-${targetPort}`, "--listen-port", String(listen), "--portMap", "1"];
  const names = ["--fake-range", `${standIn}/32`, "--hosts", `${dir}/${hosts}`];
  const argv = [...program, "tproxy", "run", ...table, "--passthrough", "--disable-authentication", ...names];
  const files = { [hosts]: `${standIn} ${name}\n` };
  return { argv: [...argv, "--quiet", ...more], listen, table: `inet portail-to-${targetPort}`, files };
}

function redsocksLeading({ dir, targetPort }: Where, proxy: number): Front {
  const listen = freePort();
  const what = `ip daddr ${STAND_INS.redsocks} tcp dport ${targetPort}`;
  return behindTable(dir, "redsocks-leading", { ...redsocks(dir, listen, proxy, "http-connect"), listen }, [
    `meta skuid ${PROXY_USER} ${what} redirect`,
    `${what} redirect to :${listen}`,
  ]);
}

/** Where a connection goes depends on the address that it was made to, as it does for portail. */
function haproxyPassing({ dir, targetPort }: Where): Front {
  const listen = freePort();
  const sections = [
    "frontend captured",
    `  bind 127.0.0.1:${listen}`,
    `  use_backend target if { dst ${STAND_INS.haproxy} }`,
    "backend target",
    `  server target 127.0.0.1:${targetPort}`,
  ];
  return captured(dir, "haproxy-passing", sections, listen, `ip daddr ${STAND_INS.haproxy} tcp dport ${targetPort}`);
}

/** `*` is the address that a connection was made to. */
function haproxyCapturing({ port, link, dir }: Where): Front {
  const listen = freePort();
  const sections = [
    "listen captured",
    `  bind 127.0.0.1:${listen}`,
    `  server meant *:${link.dial} ssl crt ${dir}/client-both.pem ca-file ${dir}/ca.pem verify required ` +
      `verifyhost ${SERVER_NAME} sni str(${SERVER_NAME}) ${TLS13}${link.resume ? "" : " no-ssl-reuse no-tls-tickets"}`,
  ];
  return captured(dir, "haproxy-capturing", sections, listen, `ip daddr 127.0.0.1 tcp dport ${port}`);
}

/** HAProxy behind a table of its own. */
function captured(dir: string, name: string, sections: string[], listen: number, what: string): Front {
  const program = haproxy(dir, sections, { name, global: ["maxconn 8192"] });
  return behindTable(dir, name, { ...program, listen }, [`${what} redirect to :${listen}`]);
}

/** `rules` are in force before it is started. */
function behindTable(dir: string, name: string, { argv, files, listen }: Front, rules: readonly string[]): Front {
  const chain = `chain output {\ntype nat hook output priority -100\n${rules.join("\n")}\n}`;
  const replaced = `table ip ${name} {\n}\ndelete table ip ${name}\ntable ip ${name} {\n${chain}\n}\n`;
  const script = `nft -f ${dir}/${name}.nft && exec "$@"`;
  return { argv: ["sh", "-c", script, "sh", ...argv], listen, files: { ...files, [`${name}.nft`]: replaced } };
}
