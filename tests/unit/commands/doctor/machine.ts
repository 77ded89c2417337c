/** Facts about a machine that has everything, to be changed by tests. No real machine's. */
import type { Facts } from "../../../../commands/doctor/facts.ts";

const MACHINE: Facts = {
  program: { version: "1.2.3", runtime: "Bun 1.4.5", compiled: true, platform: "linux", arch: "x64" },
  libraries: { cipher: "libcrypto 3.0.19", openssl: { version: "3.0.19", path: "/lib/libssl.so.3" }, trust: 142 },
  modules: [],
  configured: [{ name: "softhsm2", path: "/lib/softhsm2.so", found: true }],
  rights: { netAdmin: true, netBindService: true },
  namespaces: { state: "works", error: "", forbidding: [] },
  limits: {
    openFiles: { soft: 65_536, hard: 1_048_576, tunnels: 32_736 },
    backlog: 4096,
    firstPort: 1024,
    ownPorts: [32_768, 60_999],
  },
  systemd: { running: true, version: 255, journal: true, notify: "none", sockets: [], misdirected: false },
  firewall: { nft: { path: "/usr/sbin/nft", version: "1.0.6" }, table: "taken", ip: true },
  clock: {
    now: Date.UTC(2030, 0, 1),
    written: Date.UTC(2029, 0, 1),
    kernel: { synchronised: true, error: 12.3 },
  },
  ipv6: "network",
};

/** What a test changes: some facts of a group of them, or a whole one. */
type Changes = {
  readonly [K in keyof Facts]?: Facts[K] extends readonly unknown[] | string ? Facts[K] : Partial<Facts[K]> | undefined;
};

/** The machine but for `changes`. */
export function machine(changes: Changes = {}): Facts {
  const entries = Object.entries(changes).map(([name, change]) => {
    const whole = Array.isArray(change) || typeof change !== "object";
    return [name, whole ? change : { ...(MACHINE[name as keyof Facts] as object), ...change }];
  });
  return { ...MACHINE, ...Object.fromEntries(entries) };
}
