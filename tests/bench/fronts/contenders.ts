/** Who takes part where TLS stands in front of the access proxy, and where two proxies stand in a row. Starts nothing itself. */
import { join } from "node:path";
import { lines } from "../../support/peer-programs.ts";
import type { Contender, Setup, Where } from "../support/contender.ts";
import { fillCommand, haproxyAt, squidAt, tinyproxyAt } from "../support/peers.ts";
import { freePort } from "../../support/free-port.ts";

const POLICY = "policy all { when dest.ip in [127.0.0.0/8] action allow }\n";

/** `command` is a template, see `fillCommand`; certificates are those of `writeMaterial`. */
export function fronts(command: string): Contender[] {
  return [
    { ...portail, family: "CONNECT over TLS", tls: "X25519", setup: (where) => portailAt(command, where, TLS) },
    haproxyBefore("tinyproxy", (port, dir) => tinyproxyAt(port, dir)),
    haproxyBefore("squid", (port, dir) => squidAt(`http_port 127.0.0.1:${port}`, port, dir)),
    {
      name: "squid",
      family: "CONNECT over TLS",
      via: "connect",
      tls: "X25519",
      peer: true,
      programs: ["squid"],
      note: "`-N`, one process with `https_port` (GnuTLS), or two in a row by `cache_peer`; no cache, no disk, no access log",
      setup: ({ port, dir }) => squidAt(httpsPort(port, dir), port, dir),
    },
    {
      ...portail,
      name: "with ML-KEM",
      family: "CONNECT over TLS",
      tls: "X25519MLKEM768",
      note: "portail with the key agreement that its clients get where they have it too, for orientation",
      setup: (where) => portailAt(command, where, TLS),
    },
    {
      ...portail,
      name: "in the clear",
      family: "CONNECT over TLS",
      note: "portail without TLS, for orientation",
      setup: (where) => portailAt(command, where),
    },
    { ...portail, family: "two in a row", setup: (where) => twoPortails(command, where) },
    {
      name: "tinyproxy",
      family: "two in a row",
      via: "connect",
      peer: true,
      programs: ["tinyproxy"],
      note: "two processes, the first with `Upstream`",
      setup: ({ port, dir }) => {
        const last = freePort();
        const first = tinyproxyAt(port, dir, { name: "first", more: [`Upstream http 127.0.0.1:${last}`] });
        return row(tinyproxyAt(last, dir, { name: "last" }), first);
      },
    },
    {
      name: "squid",
      family: "two in a row",
      via: "connect",
      peer: true,
      programs: ["squid"],
      note: "`-N`, one process with `https_port` (GnuTLS), or two in a row by `cache_peer`; no cache, no disk, no access log",
      setup: ({ port, dir }) => {
        const last = freePort();
        const more = [`cache_peer 127.0.0.1 parent ${last} 0 no-query no-digest default`, "never_direct allow all"];
        const first = squidAt(`http_port 127.0.0.1:${port}`, port, dir, { name: "first", more });
        return row(squidAt(`http_port 127.0.0.1:${last}`, last, dir, { name: "last" }), first);
      },
    },
  ];
}

const portail = {
  name: "portail",
  via: "connect",
  peer: false,
  programs: [],
  note: "one process, or two in a row; default limits, no audit sink, a policy of one address range where it connects itself",
} as const;

const TLS = "--cert DIR/server.pem --key DIR/server.key --tls required --client-cert off";

function portailAt(command: string, where: Where, more = "", acl = POLICY, name = "bench"): Setup {
  const words = `${command.replaceAll("ACL", join(where.dir, `${name}.acl`))} ${more}`.replaceAll("DIR", where.dir);
  return { daemons: [{ argv: fillCommand(words, where), port: where.port }], files: { [`${name}.acl`]: acl } };
}

function twoPortails(command: string, where: Where): Setup {
  const last = { ...where, port: freePort() };
  const first = portailAt(command, where, "--config DIR/first.toml", POLICY, "first");
  const config = lines('default-backend = "next"', "[backend.next]", `target = "http://127.0.0.1:${last.port}"`);
  return row(portailAt(command, last, "", POLICY, "last"), {
    ...first,
    files: { ...first.files, "first.toml": config },
  });
}

/** The last is started first. */
function row(last: Setup, first: Setup): Setup {
  return { daemons: [...last.daemons, ...first.daemons], files: { ...last.files, ...first.files } };
}

function httpsPort(port: number, dir: string): string {
  return `https_port 127.0.0.1:${port} tls-cert=${dir}/server.pem tls-key=${dir}/server.key`;
}

/** TLS ends in HAProxy, which passes the bytes on to a proxy. */
function haproxyBefore(name: "tinyproxy" | "squid", proxy: (port: number, dir: string) => Setup): Contender {
  return {
    name: `haproxy and ${name}`,
    family: "CONNECT over TLS",
    via: "connect",
    tls: "X25519",
    peer: true,
    programs: ["haproxy", name],
    note: "two processes: HAProxy in TCP mode, `nbthread 1`, ends TLS before the proxy",
    setup({ port, dir }) {
      const inner = freePort();
      const sections = [
        "listen tls",
        `  bind 127.0.0.1:${port} ssl crt ${dir}/server-both.pem`,
        `  server proxy 127.0.0.1:${inner}`,
      ];
      return row(proxy(inner, dir), haproxyAt(port, dir, sections, `haproxy-${name}`));
    },
  };
}
