/** The proxies that people run, each as a command line on a port of 127.0.0.1 that lets everybody everywhere but to port 1. */
import type { Scene } from "./scene.ts";

export interface OutboundProxy {
  /** Of its URL. */
  scheme: string;
  /** Credentials, as they stand in a URL. */
  user?: string;
  command(port: number, scene: Scene): string[];
}

const lines = (...list: string[]) => `${list.join("\n")}\n`;

/** Command lines of the proxies on a port, by the scheme and credentials of their URL; each lets nobody to port 1. */
export const OUTBOUND_PROXIES = {
  microsocks: { scheme: "socks5", command: (port: number) => ["microsocks", "-i", "127.0.0.1", "-p", String(port)] },
  "microsocks with a user": {
    scheme: "socks5h",
    user: "ann:p%40ss%3Aw",
    command: (port: number) => ["microsocks", "-u", "ann", "-P", "p@ss:w", "-i", "127.0.0.1", "-p", String(port)],
  },
  dante: {
    scheme: "socks5",
    command(port: number, scene: Scene) {
      const config = lines(
        "logoutput: /dev/null",
        `internal: 127.0.0.1 port = ${port}`,
        "external: lo",
        "clientmethod: none",
        "socksmethod: none",
        "user.privileged: root",
        "user.unprivileged: nobody",
        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }",
        "socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }",
        "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }",
      );
      return ["danted", "-N", "1", "-f", scene.write("danted.conf", config), "-p", scene.path("danted.pid")];
    },
  },
  tinyproxy: {
    scheme: "http",
    command(port: number, scene: Scene) {
      const config = lines(`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical");
      return ["tinyproxy", "-d", "-c", scene.write("tinyproxy.conf", config)];
    },
  },
  "tinyproxy with a user": {
    scheme: "http",
    user: "ann:s%65cret",
    command(port: number, scene: Scene) {
      const config = lines(`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical", "BasicAuth ann secret");
      return ["tinyproxy", "-d", "-c", scene.write("tinyproxy-user.conf", config)];
    },
  },
  squid: {
    scheme: "http",
    command(port: number, scene: Scene) {
      const config = lines(
        `http_port 127.0.0.1:${port}`,
        "acl forbidden port 1",
        "http_access deny forbidden",
        "http_access allow all",
        "cache deny all",
        "cache_mem 0",
        "access_log none",
        "cache_log /dev/null",
        "cache_store_log none",
        "pid_filename none",
        "pinger_enable off",
        "shutdown_lifetime 0 seconds",
        "dns_nameservers 127.0.0.1",
        "dns_timeout 1 second",
      );
      return ["squid", "-N", "-f", scene.write("squid.conf", config)];
    },
  },
} satisfies Record<string, OutboundProxy>;
