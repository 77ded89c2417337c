/** Proxies that take CONNECT over HTTP/2, each as a command line on a port of 127.0.0.1. Those that cannot go out themselves have squid behind them. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { goProgram } from "./go-program.ts";
import type { Scene } from "./scene.ts";

export interface Http2Proxy {
  /** Of its URL. */
  scheme: "h2c" | "https";
  /** Credentials, as a file of `auth-file` holds them. */
  user?: string;
  /** `squid` is the port of one that lets everybody everywhere but to port 1. */
  command(at: { port: number; squid: number; scene: Scene; cert: string; key: string }): string[] | Promise<string[]>;
}

const node = (options: object) => ["node", resolve(import.meta.dir, "http2-proxy.mjs"), JSON.stringify(options)];
const read = (path: string) => readFileSync(path, "utf8");
const nghttpx = (frontend: string, squid: number) => [
  "nghttpx",
  "--conf=/dev/null",
  `--frontend=${frontend}`,
  `--backend=127.0.0.1,${squid}`,
  "--http2-proxy",
  "--workers=1",
  // Eight by default, and then nobody is answered.
  "--backend-connections-per-host=1000",
  "--errorlog-file=/dev/null",
  "--accesslog-file=/dev/null",
];
const haproxy = (bind: string, squid: number) => `
global
  log /dev/null local0
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind ${bind}
  default_backend out
backend out
  server squid 127.0.0.1:${squid}
`;

export const HTTP2_PROXIES = {
  "nghttpx in the clear": {
    scheme: "h2c",
    command: ({ port, squid }) => nghttpx(`127.0.0.1,${port};no-tls`, squid),
  },
  "nghttpx over TLS": {
    scheme: "https",
    command: ({ port, squid, cert, key }) => [...nghttpx(`127.0.0.1,${port}`, squid), key, cert],
  },
  "HAProxy in the clear": {
    scheme: "h2c",
    command({ port, squid, scene }) {
      const config = scene.write(`haproxy-${port}.cfg`, haproxy(`127.0.0.1:${port} proto h2`, squid));
      return ["haproxy", "-db", "-f", config];
    },
  },
  "HAProxy over TLS": {
    scheme: "https",
    command({ port, squid, scene, cert, key }) {
      const both = scene.write(`haproxy-${port}.pem`, `${read(cert)}${read(key)}`, 0o600);
      const bind = `127.0.0.1:${port} ssl crt ${both} alpn h2,http/1.1`;
      return ["haproxy", "-db", "-f", scene.write(`haproxy-${port}.cfg`, haproxy(bind, squid))];
    },
  },
  "Node in the clear, with a user": {
    scheme: "h2c",
    user: "ann:p@ss:w",
    command: ({ port }) => node({ port, user: "ann:p@ss:w" }),
  },
  "Node over TLS": {
    scheme: "https",
    command: ({ port, cert, key }) => node({ port, cert: read(cert), key: read(key) }),
  },
  "Go over TLS": {
    scheme: "https",
    command: async ({ port, cert, key }) => [await goProgram("goproxy"), String(port), cert, key],
  },
} satisfies Record<string, Http2Proxy>;
