/** The table of targets: what is asked, what its name resolves to, by which policy, and what must come of it. Data only. */
import type { Zone } from "./dns-server.ts";

export interface Row {
  what: string;
  /** Text of the policy; `PORT` stands for the port that is asked for. */
  acl: string;
  host: string;
  zone?: Zone;
  /** The proxy's own port is asked for, not that of the echo. */
  ownPort?: true;
  /** `open`: connected, to `dest`. `denied`: by policy or guard. `malformed`: no host at all. `allowed`: decided, not dialled here. */
  outcome: "open" | "denied" | "malformed" | "allowed";
  dest?: string;
  policy?: string | null;
  reason?: string;
  guard?: string;
  dropped?: string[];
  /** Questions of type A that the resolver got; 0 where it is not given. */
  asked?: number;
}

const LOCAL = "policy local { when dest.ip in [127.0.0.0/8, ::1] action allow }";
const BLOCK_EVIL = `policy evil { when host == "evil.example" action deny }\n${LOCAL}`;
const ANY_PORT = "policy any { when port == PORT action allow }";
const ANY_NAME = 'policy any { when host =~ "." action allow }';

const spellings: Row[] = [
  { what: "the plain name", host: "evil.example", acl: BLOCK_EVIL, outcome: "denied", policy: "evil" },
  { what: "capitals and a closing dot", host: "EVIL.example.", acl: BLOCK_EVIL, outcome: "denied", policy: "evil" },
  { what: "a zero-width joiner", host: "ev\u200dil.example", acl: BLOCK_EVIL, outcome: "malformed" },
  { what: "a zero-width joiner at the end", host: "evil.example\u200d", acl: BLOCK_EVIL, outcome: "malformed" },
  { what: "a percent sign", host: "evil%2eexample", acl: BLOCK_EVIL, outcome: "malformed" },
  {
    what: "another name, by the same policy",
    host: "good.example",
    acl: BLOCK_EVIL,
    zone: { "good.example": [["127.0.0.1"]] },
    outcome: "open",
    dest: "127.0.0.1",
    policy: "local",
    asked: 1,
  },
  {
    what: "a U-label, against a policy that writes it so",
    host: "bücher.example",
    acl: `policy books { when host == "bücher.example" action deny }\n${LOCAL}`,
    outcome: "denied" as const,
    policy: "books",
  },
  {
    what: "its A-label in capitals",
    host: "XN--bcher-kva.example",
    acl: `policy books { when host == "bücher.example" action deny }\n${LOCAL}`,
    outcome: "denied",
    policy: "books",
  },
].map(
  (row) => ({ zone: { "evil.example": [["127.0.0.1"]], "xn--bcher-kva.example": [["127.0.0.1"]] }, ...row }) as Row,
);

const LITERALS = [
  "127.1",
  "0x7f000001",
  "0177.0.0.1",
  "2130706433",
  "127.0.0.1",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
];

const literals: Row[] = LITERALS.flatMap((host): Row[] => [
  { what: "any port", host, acl: ANY_PORT, outcome: "denied", policy: "any", reason: "guard", guard: "loopback" },
  { what: "any name", host, acl: ANY_NAME, outcome: "denied", policy: "any", reason: "guard", guard: "loopback" },
  {
    what: "dest.ip ==",
    host,
    acl: "policy lo { when dest.ip == 127.0.0.1 action allow }",
    outcome: "open",
    dest: "127.0.0.1",
  },
  {
    what: "host ==",
    host,
    acl: 'policy lo { when host == "127.0.0.1" action allow }',
    outcome: "open",
    dest: "127.0.0.1",
  },
  {
    what: "denied by address",
    host,
    acl: `policy no { when dest.ip in [127.0.0.0/8] action deny }\n${ANY_PORT}`,
    outcome: "denied",
    policy: "no",
    reason: "policy",
  },
]);

const to = (...addresses: string[]): Zone => ({ "name.example": [addresses] });

const names: Row[] = [
  { what: "a name of 127.0.0.1, any port", acl: ANY_PORT, zone: to("127.0.0.1"), outcome: "denied", guard: "loopback" },
  {
    what: "a name of 127.0.0.1, named",
    acl: 'policy any { when host == "name.example" action allow }',
    zone: to("127.0.0.1"),
    outcome: "denied",
    guard: "loopback",
  },
  {
    what: "a name of 127.0.0.1, under",
    acl: 'policy any { when host under "example" action allow }',
    zone: to("127.0.0.1"),
    outcome: "denied",
    guard: "loopback",
  },
  { what: "a name of 127.0.0.1, by address", acl: LOCAL, zone: to("127.0.0.1"), outcome: "open", dest: "127.0.0.1" },
  {
    what: "a name of ::ffff:127.0.0.1, any port",
    acl: ANY_PORT,
    zone: to("::ffff:7f00:1"),
    outcome: "denied",
    guard: "loopback",
  },
  { what: "a name of 10.1.2.3, any port", acl: ANY_PORT, zone: to("10.1.2.3"), outcome: "denied", guard: "private" },
  {
    what: "a name of public and loopback, any port: the public one is left",
    acl: ANY_PORT,
    zone: to("127.0.0.1", "203.0.113.7"),
    outcome: "allowed",
    dest: "203.0.113.7",
    dropped: ["127.0.0.1"],
  },
  {
    what: "a name of public and loopback, loopback only",
    acl: `policy out { when dest.ip in [203.0.113.0/24] action deny }\n${LOCAL}`,
    zone: to("203.0.113.7", "127.0.0.2"),
    outcome: "open",
    dest: "127.0.0.2",
    dropped: ["203.0.113.7"],
  },
  {
    what: "a second answer that differs is never asked for",
    acl: LOCAL,
    zone: { "name.example": [["127.0.0.1"], ["127.0.0.2"]] },
    outcome: "open",
    dest: "127.0.0.1",
  },
  {
    what: "a second answer that would be allowed changes nothing",
    acl: LOCAL,
    zone: { "name.example": [["10.1.2.3"], ["127.0.0.1"]] },
    outcome: "denied",
    reason: "default",
  },
].map((row) => ({ host: "name.example", asked: 1, ...row }) as Row);

const unasked: Row[] = [
  {
    what: "a name that nothing allows",
    host: "name.example",
    acl: 'policy one { when host == "other.example" action allow }',
    zone: to("127.0.0.1"),
    outcome: "denied",
    policy: null,
    reason: "default",
  },
  {
    what: "a name that is denied whatever its address is",
    host: "name.example",
    acl: `policy no { when host == "name.example" action deny }\n${LOCAL}`,
    zone: to("127.0.0.1"),
    outcome: "denied",
    policy: "no",
  },
  {
    what: "a port that nothing allows",
    host: "name.example",
    acl: "policy one { when port == 1 and dest.ip in [127.0.0.0/8] action allow }",
    zone: to("127.0.0.1"),
    outcome: "denied",
    policy: null,
  },
  {
    what: "a fact that this request lacks",
    host: "name.example",
    acl: `policy user { when client.user == "ann" and dest.ip in [127.0.0.0/8] action allow }\n${LOCAL}`,
    zone: to("127.0.0.1"),
    outcome: "denied",
    policy: "user",
    reason: "missing_fact",
  },
];

/** One address of each class that the guard knows, with a network around it. */
const CLASSES = [
  { guard: "loopback", ip: "127.0.0.1", net: "127.0.0.0/8", dialled: true },
  { guard: "loopback", ip: "::1", net: "::1", dialled: false },
  { guard: "unspecified", ip: "0.0.0.0", net: "0.0.0.0/8", dialled: true },
  { guard: "unspecified", ip: "::", net: "::", dialled: false },
  { guard: "link-local", ip: "169.254.7.7", net: "169.254.0.0/16", dialled: false },
  { guard: "link-local", ip: "fe80::7", net: "fe80::/10", dialled: false },
  { guard: "metadata", ip: "169.254.169.254", net: "169.254.169.254/32", dialled: false },
  { guard: "metadata", ip: "100.100.100.200", net: "100.100.100.200/32", dialled: false },
  { guard: "metadata", ip: "fd00:ec2::254", net: "fd00:ec2::/64", dialled: false },
  { guard: "private", ip: "10.1.2.3", net: "10.0.0.0/8", dialled: false },
  { guard: "private", ip: "100.64.0.1", net: "100.64.0.0/10", dialled: false },
  { guard: "private", ip: "172.16.0.1", net: "172.16.0.0/12", dialled: false },
  { guard: "private", ip: "192.168.0.1", net: "192.168.0.0/16", dialled: false },
  { guard: "private", ip: "fd00::1", net: "fc00::/7", dialled: false },
] as const;

/** Clauses that are true for every row and name neither the address nor, but for `private`, enough of the host. */
const PROVES_NOTHING = (net: string): string[] => [
  "port == PORT",
  'host =~ "."',
  'host =~ "^name\\.example$"',
  "not (dest.ip in [203.0.113.0/24])",
  "dest.ip not in [203.0.113.0/24]",
  "dest.ip != 203.0.113.9",
  `not (dest.ip not in [${net}])`,
  `not (not (dest.ip in [${net}]))`,
  `port == PORT or dest.ip in [${net}]`,
  "not (dest.ip == 203.0.113.9) and port == PORT",
  'host != "other.example"',
  'not (host == "other.example")',
];
const NAMES_THE_ADDRESS = (ip: string, net: string): string[] => [
  `dest.ip == ${ip}`,
  `dest.ip in [${net}]`,
  `port == PORT and dest.ip in [203.0.113.0/24, ${net}]`,
  `port == 1 or dest.ip in [${net}]`,
];
const NAMES_THE_HOST = ['host == "name.example"', 'host in ["a.example", "name.example"]', 'host under "example"'];

const classes: Row[] = CLASSES.flatMap(({ guard, ip, net, dialled }) => {
  const row = (clause: string, open: boolean): Row => ({
    what: `${ip} by ${clause}`,
    acl: `policy it { when ${clause} action allow }`,
    host: "name.example",
    zone: to(ip),
    asked: 1,
    policy: "it",
    ...(open
      ? { outcome: dialled ? ("open" as const) : ("allowed" as const), dest: ip }
      : { outcome: "denied" as const, reason: "guard", guard }),
  });
  return [
    ...PROVES_NOTHING(net).map((clause) => row(clause, false)),
    ...NAMES_THE_ADDRESS(ip, net).map((clause) => row(clause, true)),
    ...NAMES_THE_HOST.map((clause) => row(clause, guard === "private")),
  ];
});

const own: Row[] = [...PROVES_NOTHING("127.0.0.0/8"), ...NAMES_THE_HOST].map((clause): Row => ({
  what: `our own listener by ${clause}`,
  acl: `policy it { when ${clause} action allow }`,
  host: "name.example",
  zone: to("127.0.0.1"),
  ownPort: true,
  asked: 1,
  outcome: "denied",
  policy: "it",
  reason: "guard",
  guard: "own-listener",
}));
own.push({
  what: "our own listener by its address",
  acl: LOCAL,
  host: "name.example",
  zone: to("127.0.0.1"),
  ownPort: true,
  asked: 1,
  outcome: "open",
  dest: "127.0.0.1",
});

export const ROWS: readonly Row[] = [...spellings, ...literals, ...names, ...unasked, ...classes, ...own];
