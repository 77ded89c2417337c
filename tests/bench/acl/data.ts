/** Policies, requests and audit lines of a benchmark, the same in every run. Measures nothing. */
import type { Facts } from "../../../lib/acl/facts.ts";
import { parseIp } from "../../../lib/wire/ip.ts";
import { Random } from "../../support/random.ts";

const WORDS = [
  "ads",
  "track",
  "metrics",
  "pixel",
  "cdn",
  "static",
  "click",
  "banner",
  "stats",
  "beacon",
  "promo",
  "tag",
];
const ENDINGS = ["com", "net", "org", "io", "example", "co.uk"];

/** A host as block lists have them: two to four labels, 23 bytes on average. */
function hostName(random: Random): string {
  const name = `${random.pick(WORDS)}${random.below(1e7).toString(36)}.${random.pick(ENDINGS)}`;
  return random.below(3) === 0 ? name : `${random.pick(WORDS)}${random.below(1000)}.${name}`;
}

/** A hosts(5) file of `size` different names. */
export function hostsFile(size: number): { text: string; names: string[] } {
  const random = new Random(size);
  const names = new Set<string>();
  while (names.size < size) names.add(hostName(random));
  const list = [...names];
  return { text: list.map((name) => `0.0.0.0 ${name}\n`).join(""), names: list };
}

/** `size` networks of IPv4 and IPv6, some within others. */
export function networks(size: number): string[] {
  const random = new Random(size + 1);
  const list = new Set<string>();
  while (list.size < size) {
    const length = 12 + random.below(21);
    const value = ((random.below(2 ** 30) * 4) & (length === 32 ? -1 : -1 << (32 - length))) >>> 0;
    const quad = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
    if (random.below(4) > 0) list.add(`${quad}/${length}`);
    else list.add(`2001:${random.below(65_536).toString(16)}:${random.below(65_536).toString(16)}::/48`);
  }
  return [...list];
}

const PORTS = [22, 25, 80, 443, 993, 5432, 8080, 8443];
const DOMAINS = Array.from({ length: 200 }, (_, i) => `team${i}.corp.example`);
const HOSTS = Array.from({ length: 2000 }, (_, i) => `host${i}.${DOMAINS[i % DOMAINS.length]!}`);
const USERS = Array.from({ length: 500 }, (_, i) => `user${i}`);
const GROUPS = Array.from({ length: 50 }, (_, i) => `group${i}`);

/** Policies of one to three conditions each: equality, sets and suffixes; of `patterns` in 1,000 one is a pattern. */
export function randomPolicies(count: number, patterns: number): string {
  const random = new Random(count + patterns);
  const quoted = (items: readonly string[]) =>
    `[${Array.from({ length: 2 + random.below(4) }, () => `"${random.pick(items)}"`).join(", ")}]`;
  const plain = [
    () => `host == "${random.pick(HOSTS)}"`,
    () => `host in ${quoted(HOSTS)}`,
    () => `host under "${random.pick(DOMAINS)}"`,
    () => `host under ${quoted(DOMAINS)}`,
    () => `client.user == "${random.pick(USERS)}"`,
    () => `client.user in ${quoted(USERS)}`,
    () => `"${random.pick(GROUPS)}" in client.ou`,
    () => `port == ${random.pick(PORTS)}`,
    () => `port in [${random.pick(PORTS)}, ${random.pick(PORTS)}]`,
  ];
  const pattern = () => `host =~ "^host[0-9]+${random.below(10)}\\.team${random.below(200)}\\.corp"`;
  const policies = Array.from({ length: count }, (_, i) => {
    const first = random.below(1000) < patterns ? pattern() : plain[random.below(7)]!();
    const more = Array.from({ length: random.below(3) }, () => random.pick(plain)());
    return `policy p${i} { when ${[first, ...more].join(" and ")} action ${random.below(3) === 0 ? "deny" : "allow"} }\n`;
  });
  return policies.join("");
}

/** Requests for `randomPolicies`, every fact there: most decided early, every fourth by no policy. */
export function randomRequests(count: number): Facts[] {
  const random = new Random(count);
  return Array.from({ length: count }, (_, i) => {
    const miss = i % 4 === 0;
    return request(miss ? `none${i}.other.example` : random.pick(HOSTS), random.pick(PORTS), "203.0.113.9", {
      "client.user": miss ? "nobody" : random.pick(USERS),
      "client.ou": miss ? [] : [random.pick(GROUPS), random.pick(GROUPS)],
    });
  });
}

/** The facts of a request by name, as the access proxy fills them. */
export function request(host: string, port: number, ip: string, more: Facts = {}): Facts {
  return {
    command: "socks",
    "client.auth": "none",
    "proxy.protocol": "socks5",
    "proxy.cmd": "tcp_connect",
    // Text off the wire is flat, and was never looked up before.
    host: Buffer.from(host, "latin1").toString("latin1"),
    port,
    "dest.ip": parseIp(ip)!,
    "route.local": true,
    now: 1_760_000_000_000,
    ...more,
  };
}

/** One audit line of the access proxy, as lib/audit/event.ts has it. */
export function auditLine(random: Random, number: number): string {
  const host = `host${random.below(50_000)}.${random.pick(DOMAINS)}`;
  const port = random.pick(PORTS);
  const ip = `203.0.${random.below(256)}.${random.below(256)}`;
  const user = random.pick(USERS);
  const allowed = port !== 25;
  return JSON.stringify({
    v: 1,
    time: new Date(1_760_000_000_000 + number * 7).toISOString(),
    command: "socks",
    session: `k3v9x2-${number.toString(36)}`,
    client: `192.0.2.${random.below(256)}:${1024 + random.below(60_000)}`,
    user,
    event: "decision",
    protocol: "socks5",
    target: `${host}:${port}`,
    ...(allowed ? { dest: `${ip}:${port}` } : {}),
    decision: allowed ? "allow" : "deny",
    policy: allowed ? "web" : null,
    reason: allowed ? "policy" : "default",
    ...(allowed ? {} : { dropped: [{ ip, reason: "default", policy: null }] }),
    policies: "0".repeat(64),
    facts: { "client.user": user, "client.ou": [random.pick(GROUPS)], host, port, "dest.ip": ip },
  });
}
