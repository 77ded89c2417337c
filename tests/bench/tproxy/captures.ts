/** Who takes part in the benchmark of the transparent proxy: what captures and wraps, each with the same server side. Starts nothing itself. */
import type { Contender, Where } from "../support/contender.ts";
import { haproxy, type PeerProgram } from "../../support/peer-programs.ts";
import { freePort } from "../../support/free-port.ts";
import { SERVER_NAME } from "../tunnel/material.ts";
import { contender, direct } from "../tunnel/pairs.ts";
import { haproxyServer, TLS13 } from "../tunnel/sides.ts";
import { haproxyClient } from "../tunnel/sides.ts";

/** Everyone. `command` starts portail; its words are split at spaces. */
export function captures(command: string): Contender[] {
  const program = command.split(" ").filter((word) => word !== "");
  return [
    capturing("portail", false, "`tproxy run`, default limits, no audit, `--quiet`", (where) =>
      portail(program, where),
    ),
    capturing("haproxy", true, "TCP mode, `nbthread 1`, `server *:PORT`", haproxyCapturing),
    passing("portail", false, "`tproxy run --passthrough`", (where) => portailPassing(program, where)),
    passing("haproxy", true, "TCP mode, `nbthread 1`, to a fixed server", haproxyPassing),
    contender(tunnel(program), false),
    contender({ ...haproxyPair, name: "haproxy, no capture" }, false),
    direct,
  ];
}

const haproxyPair = {
  name: "haproxy",
  programs: ["haproxy"] as const,
  note: "its client side of the section on the tunnel, which captures nothing",
  client: haproxyClient,
  server: haproxyServer,
};

function tunnel(program: readonly string[]) {
  return {
    name: "portail tunnel",
    programs: ["haproxy"] as const,
    note: "`tunnel client`, which captures nothing",
    client: ({ port, to, dir, resume }: { port: number; to: number; dir: string; resume: boolean }): PeerProgram => {
      const addresses = ["--listen", `127.0.0.1:${port}`, "--target", `127.0.0.1:${to}`];
      const identity = ["--cert", `${dir}/client.pem`, "--key", `${dir}/client.key`, "--cacert", `${dir}/ca.pem`];
      const rest = ["--quiet=all", ...(resume ? [] : ["--no-session-resumption"])];
      const name = ["--override-server-name", SERVER_NAME];
      return { argv: [...program, "tunnel", "client", ...addresses, ...identity, ...rest, ...name], files: {} };
    },
    server: haproxyServer,
  };
}

interface Front extends PeerProgram {
  /** Where it listens. */
  listen: number;
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
          { argv: near.argv, port: near.listen },
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
  const rest = ["--hosts", `${dir}/hosts`, "--quiet", ...(link.resume ? [] : ["--no-session-resumption"])];
  const argv = [...program, "tproxy", "run", ...table, "--portMap", `${port}:${link.dial}`, ...identity, ...rest];
  return { argv, listen, files: { hosts: `127.0.0.1 ${SERVER_NAME}\n` } };
}

/** Address of loopback, where nobody listens. */
export const STAND_IN = "198.18.0.1";

/** Connections to a stand-in go on in the clear. */
function passing(name: string, peer: boolean, note: string, front: (where: Where) => Front): Contender {
  return {
    name,
    family: "relay",
    via: "none",
    at: STAND_IN,
    peer,
    programs: ["haproxy", "nft", "unshare", "ip"],
    note,
    setup(where) {
      const { argv, listen, files } = front(where);
      return { daemons: [{ argv, port: listen }], files };
    },
  };
}

function portailPassing(program: readonly string[], { dir, targetPort }: Where): Front {
  const listen = freePort();
  const table = ["--instance", `to-${targetPort}`, "--listen-port", String(listen), "--portMap", "1"];
  const rest = ["--passthrough", "--disable-authentication", "--hosts", `${dir}/stand-ins`, "--quiet"];
  const argv = [...program, "tproxy", "run", ...table, ...rest];
  return { argv, listen, files: { "stand-ins": `${STAND_IN} ${SERVER_NAME}\n` } };
}

function haproxyPassing({ dir, targetPort }: Where): Front {
  const listen = freePort();
  const sections = ["listen captured", `  bind 127.0.0.1:${listen}`, `  server target 127.0.0.1:${targetPort}`];
  return captured(dir, "haproxy-passing", sections, listen, `ip daddr ${STAND_IN} tcp dport ${targetPort}`);
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
  const { argv, files } = haproxy(dir, sections, { name, global: ["maxconn 8192"] });
  const rule = `${what} redirect to :${listen}`;
  const table = `table ip ${name} {\nchain output {\ntype nat hook output priority -100\n${rule}\n}\n}`;
  const replaced = `table ip ${name} {\n}\ndelete table ip ${name}\n${table}\n`;
  const script = `nft -f ${dir}/${name}.nft && exec "$@"`;
  return { argv: ["sh", "-c", script, "sh", ...argv], listen, files: { ...files, [`${name}.nft`]: replaced } };
}
