/** Who takes part in the benchmark of the multiplexer: how each routes by server name, in one process, without log. Starts nothing itself. */
import { join } from "node:path";
import { haproxy, lines } from "../../support/peer-programs.ts";
import { alone, type Contender, type Family, type Setup, type Where } from "../support/contender.ts";
import { STREAM_MODULE } from "../tunnel/sides.ts";

/** Half are exact names, half wildcards. */
export interface Names {
  exact: readonly string[];
  /** Without the `*.` in front. */
  wild: readonly string[];
}

export function names(count: number): Names {
  const list = (label: string, most: number) => Array.from({ length: most }, (_, i) => `${label}${i}.example.com`);
  return { exact: list("host", Math.ceil(count / 2)), wild: list("wild", Math.floor(count / 2)) };
}

/** Names that clients ask for: the first, the last and some between of each kind. */
export function askedFor({ exact, wild }: Names): string[] {
  const some = (list: readonly string[]) =>
    [0, 0.3, 0.7, 1].flatMap((at) => list[Math.floor(at * (list.length - 1))] ?? []);
  return [...new Set([...some(exact), ...some(wild).map((name) => `some.${name}`)])];
}

/** More than the idle connections that are held, each of which takes two descriptors. */
const CONNECTIONS = 16_384;

type Config = (where: Where, routes: Names) => Setup;

const HAPROXY = {
  name: "haproxy",
  peer: true,
  programs: ["haproxy"],
  note: "TCP mode, `nbthread 1`; names are looked up in maps, wildcards by the name without its first label",
} as const;

const NGINX = {
  name: "nginx",
  peer: true,
  programs: ["nginx", "nginx:ngx_stream_module.so"],
  note: "its stream module with `ssl_preread`, or with TLS of its own, `master_process off`, `proxy_half_close on`, as all but sslh-select do; names are looked up in a `map`",
} as const;

/** Everyone that passes TLS on by its server name. `command` starts portail; its words are split at spaces. */
export function passThrough(command: string, family: Family, routes: Names, hellos: readonly string[]): Contender[] {
  const each: (Omit<Contender, "family" | "via"> & { config: Config })[] = [
    { ...portail, config: (where, list) => portailAt(command, where, portailRoutes(where, list, false)) },
    { ...HAPROXY, config: haproxyByName },
    { ...NGINX, config: nginxByName },
    {
      name: "sslh",
      peer: true,
      programs: ["sslh"],
      note: "a process for each connection, which is how it comes; looks names up one after the other",
      config: (where, list) => sslhByName("sslh", where, list),
    },
    {
      name: "sslh-select",
      peer: true,
      programs: ["sslh-select"],
      note: "one process; it can hold no more than some 500 connections, and loses some in a hundred that come at a time",
      config: (where, list) => sslhByName("sslh-select", where, list),
    },
  ];
  return each.map(({ config, ...contender }) => ({
    ...contender,
    family,
    via: "none",
    hellos,
    setup: (where) => config(where, routes),
  }));
}

/** Everyone that ends TLS by its server name. Certificates are those of `writeMaterial`. */
export function terminating(command: string): Contender[] {
  const one: Names = { exact: ["localhost"], wild: [] };
  return [
    { ...portail, setup: (where: Where) => portailAt(command, where, portailRoutes(where, one, true)) },
    { ...HAPROXY, setup: haproxyTls },
    { ...NGINX, setup: nginxTls },
  ].map((contender) => ({ ...contender, family: "terminate", via: "none", tls: "X25519" }));
}

const portail = {
  name: "portail",
  peer: false,
  programs: [],
  note: "one process, default limits, no audit sink, `--quiet` since the peers do not log either; a route for each name",
} as const;

function portailAt(command: string, { port, dir }: Where, routes: string[]): Setup {
  const program = command.split(" ").filter((word) => word !== "");
  const file = `mux-${port}.toml`;
  const head = [`listen = "127.0.0.1:${port}"`, `cert = "${dir}/server.pem"`, `key = "${dir}/server.key"`];
  return {
    daemons: [{ argv: [...program, "mux", "serve", "--config", join(dir, file), "--quiet"], port }],
    files: { [file]: lines(...head, ...routes) },
  };
}

function portailRoutes({ targetPort }: Where, { exact, wild }: Names, terminate: boolean): string[] {
  return [...exact, ...wild.map((name) => `*.${name}`)].map(
    (name) =>
      `[[route]]\nserver-name = "${name}"\ntarget = "127.0.0.1:${targetPort}"${terminate ? "\nterminate = true" : ""}`,
  );
}

function haproxyByName({ port, targetPort, dir }: Where, { exact, wild }: Names): Setup {
  const maps = { exact: `exact-${port}.map`, wild: `wild-${port}.map` };
  const sections = [
    "frontend mux",
    `  bind 127.0.0.1:${port}`,
    "  tcp-request inspect-delay 5s",
    "  tcp-request content accept if { req.ssl_hello_type 1 }",
    `  use_backend %[req.ssl_sni,lower,map_str(${dir}/${maps.exact})] if { req.ssl_sni,lower,map_str(${dir}/${maps.exact}) -m found }`,
    `  use_backend %[req.ssl_sni,lower,regsub(^[^.]*\\.,),map_str(${dir}/${maps.wild})]`,
    "backend target",
    `  server target 127.0.0.1:${targetPort}`,
  ];
  const { argv, files } = haproxyOf(dir, port, sections);
  const map = (list: readonly string[]) => lines(...list.map((name) => `${name} target`));
  return alone({ argv, files: { ...files, [maps.exact]: map(exact), [maps.wild]: map(wild) } }, port);
}

function haproxyTls({ port, targetPort, dir }: Where): Setup {
  const sections = [
    "frontend mux",
    `  bind 127.0.0.1:${port} ssl crt ${dir}/server-both.pem`,
    "  use_backend target if { ssl_fc_sni localhost }",
    "  default_backend target",
    "backend target",
    `  server target 127.0.0.1:${targetPort}`,
  ];
  return alone(haproxyOf(dir, port, sections), port);
}

function haproxyOf(dir: string, port: number, sections: string[]) {
  return haproxy(dir, sections, { name: `haproxy-${port}`, global: [`maxconn ${CONNECTIONS / 2}`] });
}

function nginxByName(where: Where, { exact, wild }: Names): Setup {
  return nginxOf(where, [
    "map_hash_max_size 65536;",
    "map_hash_bucket_size 128;",
    "map $ssl_preread_server_name $chosen {",
    "  hostnames;",
    ...exact.map((name) => `  ${name} target;`),
    ...wild.map((name) => `  *.${name} target;`),
    "}",
    `upstream target { server 127.0.0.1:${where.targetPort}; }`,
    "server {",
    `  listen 127.0.0.1:${where.port};`,
    "  ssl_preread on;",
    "  proxy_half_close on;",
    "  proxy_pass $chosen;",
    "}",
  ]);
}

function nginxTls(where: Where): Setup {
  return nginxOf(where, [
    "server {",
    `  listen 127.0.0.1:${where.port} ssl;`,
    `  proxy_pass 127.0.0.1:${where.targetPort};`,
    "  ssl_protocols TLSv1.3;",
    `  ssl_certificate ${where.dir}/server.pem;`,
    `  ssl_certificate_key ${where.dir}/server.key;`,
    "}",
  ]);
}

function nginxOf({ port, dir }: Where, stream: string[]): Setup {
  const file = `nginx-${port}.conf`;
  const text = lines(
    `load_module ${STREAM_MODULE};`,
    "daemon off;",
    "master_process off;",
    `pid ${dir}/nginx-${port}.pid;`,
    "error_log stderr crit;",
    `worker_rlimit_nofile ${CONNECTIONS};`,
    `events { worker_connections ${CONNECTIONS}; }`,
    "stream {",
    "access_log off;",
    ...stream,
    "}",
  );
  return alone({ argv: ["nginx", "-e", "stderr", "-p", dir, "-c", join(dir, file)], files: { [file]: text } }, port);
}

function sslhByName(program: "sslh" | "sslh-select", { port, targetPort, dir }: Where, { exact, wild }: Names): Setup {
  const file = `${program}-${port}.cfg`;
  const hosts = [...exact, ...wild.map((name) => `*.${name}`)].map((name) => `"${name}"`);
  const text = lines(
    "foreground: true;",
    "inetd: false;",
    `listen: ( { host: "127.0.0.1"; port: "${port}"; } );`,
    `protocols: ( { name: "tls"; host: "127.0.0.1"; port: "${targetPort}"; sni_hostnames: [ ${hosts.join(", ")} ]; log_level: 0; } );`,
  );
  return alone({ argv: [program, `-F${join(dir, file)}`], files: { [file]: text } }, port);
}
