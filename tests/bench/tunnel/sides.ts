/** How each program is one side of a tunnel: one worker, no log, TLS 1.3 with the suite that all can speak, the other side verified. Starts nothing. */
import { join } from "node:path";
import { whichPeer } from "../../../scripts/peer-list.ts";
import { haproxy, lines, type PeerProgram } from "../../support/peer-programs.ts";
import { SERVER_NAME } from "./material.ts";

interface SidePlan {
  port: number;
  /** Where to dial, on loopback. */
  to: number;
  dir: string;
  resume: boolean;
}

export type Side = (plan: SidePlan) => PeerProgram;

/** What the runtime of portail agrees on with itself, and cannot be told otherwise. OpenSSL would choose AES-256. */
const SUITE = "TLS_AES_128_GCM_SHA256";

/** More than the idle tunnels that are held, each of which takes two descriptors. */
const CONNECTIONS = 16_384;

const STUNNEL_HEAD = [
  "foreground = quiet",
  "pid =",
  "syslog = no",
  "debug = err",
  "socket = l:TCP_NODELAY=1",
  "socket = r:TCP_NODELAY=1",
];

interface StunnelKey {
  /** Lines ahead of the service. */
  head: readonly string[];
  key: string;
}

function stunnelSide(
  name: string,
  { port, to, dir, resume }: SidePlan,
  more: readonly string[],
  { head, key }: StunnelKey = { head: [], key: `${dir}/${name}.key` },
): PeerProgram {
  const file = `stunnel-${name}.conf`;
  return {
    argv: ["stunnel4", join(dir, file)],
    files: {
      [file]: lines(
        ...STUNNEL_HEAD,
        ...head,
        "[tunnel]",
        `accept = 127.0.0.1:${port}`,
        `connect = 127.0.0.1:${to}`,
        `cert = ${dir}/${name}.pem`,
        `key = ${key}`,
        `CAfile = ${dir}/ca.pem`,
        "verifyChain = yes",
        "sslVersionMin = TLSv1.3",
        `ciphersuites = ${SUITE}`,
        `sessionResume = ${resume ? "yes" : "no"}`,
        ...(resume ? ["options = -NO_TICKET"] : ["options = NO_TICKET"]),
        ...more,
      ),
    },
  };
}

export const stunnelClient: Side = (plan) =>
  stunnelSide("client", plan, ["client = yes", `sni = ${SERVER_NAME}`, `checkHost = ${SERVER_NAME}`]);
export const stunnelServer: Side = (plan) => stunnelSide("server", plan, ["requireCert = yes"]);

/** With its key where OpenSSL's engine for PKCS#11 finds it. */
export const stunnelServerWithEngine =
  ({ module, pin, key }: { module: string; pin: string; key: string }): Side =>
  (plan) => {
    const head = ["engine = pkcs11", `engineCtrl = MODULE_PATH:${module}`, `engineCtrl = PIN:${pin}`];
    return stunnelSide("server", plan, ["engineId = pkcs11", "requireCert = yes"], { head, key });
  };

function haproxySide(name: string, dir: string, proxy: string[], more: string[] = []): PeerProgram {
  const global = [`maxconn ${CONNECTIONS / 2}`, ...more];
  return haproxy(dir, ["listen tunnel", ...proxy], { name: `haproxy-${name}`, global });
}

export const TLS13 = `ssl-min-ver TLSv1.3 ciphersuites ${SUITE}`;

export const haproxyClient: Side = ({ port, to, dir, resume }) =>
  haproxySide("client", dir, [
    `  bind 127.0.0.1:${port}`,
    `  server link 127.0.0.1:${to} ssl crt ${dir}/client-both.pem ca-file ${dir}/ca.pem verify required ` +
      `verifyhost ${SERVER_NAME} sni str(${SERVER_NAME}) ${TLS13}${resume ? "" : " no-ssl-reuse no-tls-tickets"}`,
  ]);

export const haproxyServer: Side = ({ port, to, dir, resume }) =>
  haproxySide(
    "server",
    dir,
    [
      `  bind 127.0.0.1:${port} ssl crt ${dir}/server-both.pem ca-file ${dir}/ca.pem verify required ` +
        `${TLS13}${resume ? "" : " no-tls-tickets"}`,
      `  server target 127.0.0.1:${to}`,
    ],
    resume ? [] : ["tune.ssl.cachesize 0"],
  );

export const STREAM_MODULE = whichPeer("nginx:ngx_stream_module.so");

function nginxSide(name: string, dir: string, server: string[]): PeerProgram {
  const file = `nginx-${name}.conf`;
  return {
    argv: ["nginx", "-e", "stderr", "-p", dir, "-c", join(dir, file)],
    files: {
      [file]: lines(
        `load_module ${STREAM_MODULE};`,
        "daemon off;",
        "master_process off;",
        `pid ${dir}/nginx-${name}.pid;`,
        "error_log stderr crit;",
        `worker_rlimit_nofile ${CONNECTIONS};`,
        `events { worker_connections ${CONNECTIONS}; }`,
        "stream {",
        "  access_log off;",
        "  server {",
        ...server.map((line) => `    ${line};`),
        "  }",
        "}",
      ),
    },
  };
}

export const nginxClient: Side = ({ port, to, dir, resume }) =>
  nginxSide("client", dir, [
    `listen 127.0.0.1:${port}`,
    `proxy_pass 127.0.0.1:${to}`,
    "proxy_ssl on",
    `proxy_ssl_certificate ${dir}/client.pem`,
    `proxy_ssl_certificate_key ${dir}/client.key`,
    `proxy_ssl_trusted_certificate ${dir}/ca.pem`,
    "proxy_ssl_verify on",
    `proxy_ssl_name ${SERVER_NAME}`,
    "proxy_ssl_server_name on",
    "proxy_ssl_protocols TLSv1.3",
    `proxy_ssl_conf_command Ciphersuites ${SUITE}`,
    `proxy_ssl_session_reuse ${resume ? "on" : "off"}`,
  ]);

export const nginxServer: Side = ({ port, to, dir, resume }) =>
  nginxSide("server", dir, [
    `listen 127.0.0.1:${port} ssl`,
    `proxy_pass 127.0.0.1:${to}`,
    `ssl_certificate ${dir}/server.pem`,
    `ssl_certificate_key ${dir}/server.key`,
    `ssl_client_certificate ${dir}/ca.pem`,
    "ssl_verify_client on",
    "ssl_protocols TLSv1.3",
    `ssl_conf_command Ciphersuites ${SUITE}`,
    "ssl_session_cache off",
    `ssl_session_tickets ${resume ? "on" : "off"}`,
  ]);

/** It has no switch for tickets: whether a session is resumed is its client side's to say. */
export const hitchServer: Side = ({ port, to, dir }) => ({
  argv: ["hitch", "--config", join(dir, "hitch.conf")],
  files: {
    "hitch.conf": lines(
      `frontend = { host = "127.0.0.1" port = "${port}" }`,
      `backend = "[127.0.0.1]:${to}"`,
      `pem-file = "${dir}/server-both.pem"`,
      "client-verify = required",
      `client-verify-ca = "${dir}/ca.pem"`,
      "tls-protos = TLSv1.3",
      `ciphersuites = "${SUITE}"`,
      "workers = 1",
      "backlog = 1024",
      "daemon = off",
      "log-level = 0",
      // As root it wants a user to change to.
      ...(process.getuid?.() === 0 ? ['user = "nobody"'] : []),
    ),
  },
});
