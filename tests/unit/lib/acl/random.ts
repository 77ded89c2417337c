/** Random policies and requests for the property tests of the policy language. Not a test. */
import { type Ip, parseIp } from "../../../../lib/wire/ip.ts";
import type { Facts } from "../../../../lib/acl/facts.ts";
import type { Random } from "../../../support/random.ts";

const HOSTS = [
  "a.test",
  "b.test",
  "x.a.test",
  "y.x.a.test",
  "test",
  "xa.test",
  "10.0.0.1",
  "127.0.0.1",
  "::1",
  "long-name.b.test",
];
const PATTERNS = [
  "^a\\.test$",
  "(^|\\.)a\\.test$",
  "\\.test$",
  "a.test$",
  "a\\.test",
  "^x",
  "^[a-z]+\\.test$",
  "^(a|b)\\.test$",
  "^(.*\\.)?b\\.test$",
  "^.*\\.a\\.test$",
  "-name\\.b\\.test$",
  "(?i)TEST",
  "^y\\..*$",
  "[0-9]+$",
  "^$",
  "",
  "b\\.test|^x\\.",
  "(x|y)\\.a",
];
const ADDRESSES = [
  "10.0.0.1",
  "10.1.2.3",
  "127.0.0.1",
  "8.8.8.8",
  "169.254.169.254",
  "::1",
  "2001:db8::1",
  "fd00::1",
  "64:ff9b::7f00:1",
];
const NETWORKS = [
  "10.0.0.0/8",
  "127.0.0.0/8",
  "0.0.0.0/0",
  "::/0",
  "2001:db8::/32",
  "10.1.0.0/16",
  "fd00::/8",
  "169.254.0.0/16",
  "::1",
];
const PORTS = [22, 80, 443, 8080];
const OUS = ["ops", "dev", "hr"];
const quote = (text: string) => `"${text}"`;
const list = (items: readonly string[]) => `[${items.join(", ")}]`;

function comparison(random: Random): string {
  const not = random.chance(4) ? "not " : "";
  const equals = random.chance(4) ? "!=" : "==";
  switch (random.below(20)) {
    case 19:
      return random.pick([
        `proxy.cmd ${equals} "udp_associate"`,
        `proxy.cmd ${not}in ["udp_associate", "tcp_connect"]`,
        'proxy.cmd == "tcp_connect"',
      ]);
    case 0:
    case 1:
      return `host ${equals} ${quote(random.pick(HOSTS))}`;
    case 2:
    case 3:
      return `host ${not}in ${list(random.some(HOSTS, 4).map(quote))}`;
    case 4:
      return `host ${not}under ${random.chance(2) ? quote(random.pick(["a.test", "test", "b.test"])) : random.pick(["names", "file_names"])}`;
    case 5:
    case 6:
      return `host =~ ${quote(random.pick(PATTERNS))}`;
    case 7:
      return `port ${equals} ${random.pick(PORTS)}`;
    case 8:
      return `port ${random.pick(["<", "<=", ">", ">="])} ${random.pick(PORTS)}`;
    case 9:
      return `port ${not}in ${list(random.chance(3) ? ["1024-65535"] : random.some(PORTS, 3).map(String))}`;
    case 10:
      return `dest.ip ${not}in ${random.chance(4) ? "nets" : list(random.some(NETWORKS, 3))}`;
    case 11:
      return `dest.ip ${equals} ${random.pick(ADDRESSES)}`;
    case 12:
      return `${quote(random.pick(OUS))} ${not}in client.ou`;
    case 13:
      return `route.local ${equals} ${random.pick(["true", "false"])}`;
    case 14:
      return `${random.pick(["user.role", "user.level", "method"])} ${equals} ${quote(random.pick(["admin", "GET"]))}`;
    case 15:
      return `user.level ${random.pick([">=", "=="])} ${random.pick([1, 5])}`;
    case 16:
      return `defined ${random.pick(["method", "dest.ip", "user.level", "client.ou"])}`;
    case 17:
      return random.pick([
        "host == tls.server_name",
        "client.ip != dest.ip",
        "host in client.dns",
        "true == true",
        "1 > 2",
      ]);
    default:
      return `host ${not}in ${random.pick(["names", "file_names"])}`;
  }
}

function condition(random: Random, depth: number): string {
  const kind = random.below(depth > 3 ? 1 : 5);
  if (kind <= 1) return comparison(random);
  if (kind === 2) return `not (${condition(random, depth + 1)})`;
  const operands = Array.from({ length: 2 + random.below(3) }, () => `(${condition(random, depth + 1)})`);
  return operands.join(kind === 3 ? " and " : " or ");
}

const ACTIONS = [
  "allow",
  "allow",
  "deny",
  "deny",
  'redirect "a.test:443"',
  'challenge "more"',
  "log",
  'deny explain-template="t"',
];

/** A whole policy file; `names.txt` is `NAMES`. */
export function randomPolicy(random: Random): string {
  const blocks = [
    'set names = ["a.test", "x.a.test", "127.0.0.1"]',
    "set nets = [10.0.0.0/8, ::1]",
    'set file_names = lines "names.txt"',
  ];
  for (let i = random.below(8); i >= 0; i--) {
    const when = random.chance(6) ? "" : `when ${condition(random, 0)}`;
    const require = random.chance(3) ? `require ${condition(random, 1)}` : "";
    blocks.push(`policy p${i} { ${when} ${require} action ${random.pick(ACTIONS)} }`);
  }
  for (let i = random.below(3); i > 0; i--) blocks.push(`route r${i} { when ${condition(random, 1)} use ["b${i}"] }`);
  return blocks.join("\n");
}

export const NAMES = "b.test\ny.x.a.test # comment\n";

/** A request in which each fact may be missing. */
export function randomFacts(random: Random): Facts {
  const ip = (text: string): Ip => parseIp(text)!;
  const host = random.pick(HOSTS);
  const literal = parseIp(host);
  return {
    ...(random.chance(12) ? {} : { host }),
    ...(random.chance(12) ? {} : { port: random.pick([...PORTS, 1]) }),
    ...(random.chance(5) ? {} : { "dest.ip": literal ?? ip(random.pick(ADDRESSES)) }),
    ...(random.chance(4) ? {} : { "client.ou": random.some(OUS, 2) }),
    ...(random.chance(4) ? {} : { "client.ip": ip(random.pick(ADDRESSES)) }),
    ...(random.chance(3) ? {} : { "client.dns": random.some(HOSTS, 2) }),
    ...(random.chance(4) ? {} : { "proxy.cmd": random.pick(["tcp_connect", "udp_associate"]) }),
    ...(random.chance(4) ? {} : { "route.local": random.chance(2) }),
    ...(random.chance(3) ? {} : { method: random.pick(["GET", "CONNECT"]) }),
    ...(random.chance(3) ? {} : { "user.level": random.pick<number | string>([1, 5, 9, "admin"]) }),
    ...(random.chance(3) ? {} : { "user.role": random.pick<string | boolean>(["admin", "guest", true]) }),
    ...(random.chance(3) ? {} : { "tls.server_name": random.pick(HOSTS) }),
  };
}
