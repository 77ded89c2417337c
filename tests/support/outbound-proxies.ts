/** The proxies that people run, each on a port of 127.0.0.1, letting everybody everywhere but to port 1. Starts nothing itself. */
import { danted, microsocks, squid, tinyproxy, type PeerProgram } from "./peer-programs.ts";

export interface OutboundProxy {
  /** Of its URL. */
  scheme: string;
  /** Credentials, as they stand in a URL. */
  user?: string;
  program(port: number, dir: string): PeerProgram;
}

/** By what they are called in tests; microsocks and tinyproxy cannot forbid a port, and nobody listens there. */
export const OUTBOUND_PROXIES = {
  microsocks: { scheme: "socks5", program: (port) => microsocks(port) },
  "microsocks with a user": {
    scheme: "socks5h",
    user: "ann:p%40ss%3Aw",
    program: (port) => microsocks(port, "-u", "ann", "-P", "p@ss:w"),
  },
  dante: {
    scheme: "socks5",
    program: (port, dir) =>
      danted(
        dir,
        port,
        "block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }",
        "pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }",
      ),
  },
  tinyproxy: { scheme: "http", program: (port, dir) => tinyproxy(dir, port) },
  "tinyproxy with a user": {
    scheme: "http",
    user: "ann:s%65cret",
    program: (port, dir) => tinyproxy(dir, port, { name: "tinyproxy-user", more: ["BasicAuth ann secret"] }),
  },
  squid: {
    scheme: "http",
    program: (port, dir) =>
      squid(dir, `http_port 127.0.0.1:${port}`, {
        deny: ["acl forbidden port 1", "http_access deny forbidden"],
        more: ["dns_nameservers 127.0.0.1", "dns_timeout 1 second"],
      }),
  },
} satisfies Record<string, OutboundProxy>;
