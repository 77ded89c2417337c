/** Programs that stand beside portail in tests and benchmarks: each in the foreground as one worker, without log or cache. Starts nothing itself. */
import { join } from "node:path";
import type { Scene } from "./scene.ts";

export interface PeerProgram {
  argv: string[];
  /** Configuration files, by name in the folder. */
  files: Record<string, string>;
}

/** The text of a configuration file. */
export function lines(...list: readonly string[]): string {
  return `${list.join("\n")}\n`;
}

/** Writes the files of a program that is configured in the folder of `scene`; returns its command line. */
export function install(scene: Pick<Scene, "write">, { argv, files }: PeerProgram): string[] {
  for (const [name, text] of Object.entries(files)) scene.write(name, text);
  return argv;
}

/** microsocks at `port`, which has no file of configuration. */
export function microsocks(port: number, ...flags: string[]): PeerProgram {
  return { argv: ["microsocks", ...flags, "-i", "127.0.0.1", "-p", String(port)], files: {} };
}

/** Dante at `port`; `rules` say what is let through SOCKS. */
export function danted(dir: string, port: number, ...rules: string[]): PeerProgram {
  return {
    argv: ["danted", "-N", "1", "-f", join(dir, "danted.conf"), "-p", join(dir, "danted.pid")],
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
        ...rules.map((rule) => `socks ${rule}`),
      ),
    },
  };
}

/** redsocks at `port`, which leads what is redirected there to the proxy at `to`. */
export function redsocks(
  dir: string,
  port: number,
  to: number,
  type: "socks5" | "http-connect" = "socks5",
): PeerProgram {
  const file = `redsocks-${port}.conf`;
  const base = ["log_debug = off;", "log_info = off;", 'log = "file:/dev/null";', "daemon = off;"];
  const most = ["redsocks_conn_max = 8192;"];
  const listen = ["local_ip = 127.0.0.1;", `local_port = ${port};`];
  const proxy = ["ip = 127.0.0.1;", `port = ${to};`, `type = ${type};`];
  return {
    argv: ["redsocks", "-c", join(dir, file)],
    files: {
      [file]: lines("base {", ...base, "redirector = iptables;", ...most, "}", "redsocks {", ...listen, ...proxy, "}"),
    },
  };
}

export interface PeerOptions {
  /** Of its file, if more than one of them have their files in the folder. */
  name?: string;
  /** Lines of its configuration. */
  more?: readonly string[];
}

/** Tinyproxy at `port`. */
export function tinyproxy(dir: string, port: number, { name = "tinyproxy", more = [] }: PeerOptions = {}): PeerProgram {
  const file = `${name}.conf`;
  return {
    argv: ["tinyproxy", "-d", "-c", join(dir, file)],
    files: { [file]: lines(`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical", ...more) },
  };
}

/** Squid that listens as the line `listen` says; `deny` are lines ahead of the one that lets everybody everywhere. */
export function squid(
  dir: string,
  listen: string,
  { name = "squid", deny = [], more = [] }: PeerOptions & { deny?: readonly string[] } = {},
): PeerProgram {
  const file = `${name}.conf`;
  return {
    argv: ["squid", "-N", "-n", name, "-f", join(dir, file)],
    files: {
      [file]: lines(
        listen,
        ...deny,
        "http_access allow all",
        "cache deny all",
        "cache_mem 0",
        "access_log none",
        "cache_log /dev/null",
        "cache_store_log none",
        "pid_filename none",
        "pinger_enable off",
        "shutdown_lifetime 0 seconds",
        ...more,
      ),
    },
  };
}

/** HAProxy with these lines of sections, in the mode `tcp` unless told otherwise; `global` are lines of its first section. */
export function haproxy(
  dir: string,
  sections: readonly string[],
  { name = "haproxy", mode = "tcp", global = [] }: HaproxyOptions = {},
): PeerProgram {
  const file = `${name}.cfg`;
  return {
    argv: ["haproxy", "-db", "-f", join(dir, file)],
    files: {
      [file]: lines(
        "global",
        "  nbthread 1",
        ...global.map((line) => `  ${line}`),
        "defaults",
        `  mode ${mode}`,
        "  timeout connect 5s",
        "  timeout client 10m",
        "  timeout server 10m",
        ...sections,
      ),
    },
  };
}

export interface HaproxyOptions {
  /** Of its file, if more than one of them have their files in the folder. */
  name?: string;
  mode?: "tcp" | "http";
  global?: readonly string[];
}
