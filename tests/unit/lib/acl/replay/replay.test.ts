/** Replay: recorded decisions by the same policy change nothing, by another one what the daemon would decide. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Facts } from "../../../../../lib/acl/facts.ts";
import type { Policy } from "../../../../../lib/acl/policy.ts";
import { Replay, type ReplayOptions } from "../../../../../lib/acl/replay/replay.ts";
import { Random } from "../../../../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "../random.ts";
import { ip, policyOf } from "../support.ts";
import { auditLine, daemonVerdict, withoutRoutes } from "./audit-line.ts";

const ADDRESSES = ["10.0.0.1", "8.8.8.8", "::1", "2001:db8::1", "127.0.0.1", "10.1.2.3"];

/** What a socks client may bring: no facts of other commands, and a host and a port always. */
function request(random: Random): Facts {
  const { "dest.ip": _, "tls.server_name": __, ...facts } = randomFacts(random);
  const user = random.chance(2) ? { "client.user": "ann" } : {};
  const host = facts.host ?? "b.test";
  const literal = host.includes(":") || /^[0-9.]+$/.test(host) ? { "dest.ip": ip(host) } : {};
  const client = { "client.ip": ip("192.0.2.1"), "client.port": 40_000, "proxy.protocol": "socks5" };
  return {
    ...facts,
    ...user,
    ...literal,
    ...client,
    "route.local": true,
    command: "socks",
    host,
    port: facts.port ?? 22,
  };
}

function replayed(policy: Policy, lines: readonly object[], options?: ReplayOptions): Replay {
  const replay = new Replay(policy, options);
  for (const line of lines) replay.take(JSON.stringify(line));
  return replay;
}

test("the policy that decided changes nothing and lacks nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = new Random(seed);
      const policy = policyOf(withoutRoutes(randomPolicy(random)), { "names.txt": NAMES });
      for (let i = 0; i < 20; i++) {
        const facts = request(random);
        const addresses = random.some(ADDRESSES, 1).map(ip);
        const line = auditLine(policy, facts, await daemonVerdict(policy, facts, addresses));
        const { tally } = replayed(policy, [line]);
        // The addresses of what was redirected are not in the line.
        if (line["redirected"] !== undefined && tally.lacking > 0) {
          expect(tally.facts).toEqual([["dest.ip", 1]]);
          continue;
        }
        const sums = { changed: tally.changed, lacking: tally.lacking, elsewhere: tally.elsewhere, line };
        expect(sums).toEqual({ changed: 0, lacking: 0, elsewhere: 0, line });
      }
    }),
    { numRuns: 250 },
  );
}, 60_000);

test("another policy changes what the daemon would decide by it, or lacks a fact", async () => {
  let changed = 0;
  let told = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = new Random(seed);
      const old = policyOf(withoutRoutes(randomPolicy(random)), { "names.txt": NAMES });
      const source = withoutRoutes(randomPolicy(random));
      const fresh = policyOf(source, { "names.txt": NAMES });
      for (let i = 0; i < 20; i++) {
        const facts = request(random);
        const addresses = random.some(ADDRESSES, 1).map(ip);
        const before = await daemonVerdict(old, facts, addresses);
        const after = await daemonVerdict(fresh, facts, addresses);
        const line = auditLine(old, facts, before);
        const { tally } = replayed(fresh, [line], { old: random.chance(2) ? old : undefined });
        if (tally.lacking > 0) continue;
        told++;
        const place = (one: typeof before) => (one.redirected ? `${one.host} ${one.port}` : "");
        const differs = before.decision.outcome !== after.decision.outcome || place(before) !== place(after);
        expect([source, line, tally.changed]).toEqual([source, line, differs ? 1 : 0]);
        const [change] = tally.changes;
        if (change === undefined) continue;
        changed++;
        expect(change.to).toMatchObject({ decision: after.decision.outcome, policy: after.decision.policy ?? null });
        expect(change.from).toMatchObject({
          decision: before.decision.outcome,
          policy: before.decision.policy ?? null,
        });
      }
    }),
    { numRuns: 250 },
  );
  expect(told).toBeGreaterThan(1000);
  expect(changed).toBeGreaterThan(100);
}, 60_000);

const line = {
  v: 1,
  time: "2026-01-31T18:00:00.000Z",
  event: "decision",
  command: "socks",
  client: "192.0.2.1:40000",
  protocol: "socks5",
  target: "Git.Corp.Test.:22",
  decision: "deny",
  policy: "old",
  reason: "policy",
  policies: "d1",
  facts: {},
};

/** What came of one line: `same`, `lacks FACT`, or the new outcome. */
function outcome(text: string, more: object = {}, options?: ReplayOptions): string {
  const { tally } = replayed(policyOf(text), [{ ...line, ...more }], options);
  const [change] = tally.changes;
  if (change !== undefined) return change.to.redirected === undefined ? change.to.decision : change.to.redirected;
  return tally.lacking > 0 ? `lacks ${tally.facts[0]![0]}` : "same";
}

const allow = (when: string) => `policy new { when ${when} action allow }`;

test("the target is canonical, and addresses are those that were decided", () => {
  const dest = { decision: "allow", dest: "203.0.113.5:22" };
  expect(outcome(allow('host == "git.corp.test" and dest.ip == 203.0.113.5'), dest)).toBe("same");
  expect(outcome(allow('host == "git.corp.test" and dest.ip == 203.0.113.6'), dest)).toBe("deny");
  const dropped = { dropped: [{ ip: "203.0.113.6", reason: "policy", policy: "old" }] };
  expect(outcome(allow("dest.ip == 203.0.113.6"), dropped)).toBe("allow");
  expect(outcome(allow('host == "git.corp.test"'), { facts: { "dest.ip": "203.0.113.7" } })).toBe("allow");
});

test("where the addresses matter and were never known, that is said; a denial before that is a denial", () => {
  expect(outcome(allow("port == 22"))).toBe("lacks dest.ip");
  expect(outcome(allow("port == 23"))).toBe("same");
  expect(outcome(allow("port == 23"), { decision: "allow" })).toBe("deny");
});

test("a name that did not resolve does not resolve now", () => {
  expect(outcome(allow("port == 22"), { reason: "unresolved" })).toBe("same");
});

test("behind a redirect the facts are not those of the request", () => {
  const redirected = {
    decision: "allow",
    dest: "203.0.113.9:443",
    redirected: "new.test:443",
    facts: { host: "new.test", port: 443, "dest.ip": "203.0.113.9" },
  };
  const same =
    'policy r { when host == "git.corp.test" action redirect "new.test:443" } policy a { when port == 443 action allow }';
  expect(outcome(same, redirected)).toBe("same");
  expect(outcome(allow('host == "new.test"'), redirected)).toBe("deny");
  expect(outcome('policy r { action redirect "203.0.113.9:80" }', redirected)).toBe("203.0.113.9:80");
});

test("fields of the line stand in for facts that the policies of then did not mention", () => {
  const dest = { dest: "203.0.113.5:22" };
  expect(outcome(allow("client.ip == 192.0.2.1 and client.port == 40000"), dest)).toBe("allow");
  expect(outcome(allow('proxy.protocol == "socks5" and command == "socks"'), dest)).toBe("allow");
  expect(outcome(allow('client.user == "ann"'), { ...dest, user: "ann" })).toBe("allow");
  expect(outcome(allow('now < "2026-02-01T00:00Z"'), dest)).toBe("allow");
  expect(outcome(allow('now >= "2026-02-01T00:00Z"'), dest)).toBe("same");
});

test("a fact that the line has no word about is lacking, by comparison and by defined", () => {
  expect(outcome(allow('client.cn == "ann"'))).toBe("lacks client.cn");
  expect(
    outcome("policy a { when defined client.cn action deny } " + allow("port == 22"), { dest: "203.0.113.5:22" }),
  ).toBe("lacks client.cn");
  expect(outcome(allow("not defined client.cn and port == 23"))).toBe("lacks client.cn");
  expect(outcome(allow("port == 23 and not defined client.cn"))).toBe("same");
  expect(outcome(allow('weekday in ["sat"] zone "UTC"'), { dest: "203.0.113.5:22" })).toBe("allow");
});

test("a fact is known to be missing when the line says so, when its command never has it, or by the policies of then", () => {
  const text = 'policy a { when s3.bucket == "x" action allow }';
  expect(outcome(text)).toBe("same");
  const missing = { reason: "missing_fact", missing: "client.cn" };
  expect(outcome(allow('client.cn == "ann"'), missing)).toBe("same");
  expect(outcome(allow('client.user == "ann"'))).toBe("same");
  const old = { digest: "d1", mentions: ["client.cn"] } as const;
  expect(outcome(allow('client.cn == "ann"'), {}, { old })).toBe("same");
  expect(outcome(allow('"ops" in client.ou'), {}, { old })).toBe("lacks client.ou");
  const dest = { dest: "203.0.113.5:22" };
  expect(outcome(allow("not defined client.cn"), dest, { old })).toBe("allow");
  expect(outcome(allow("not defined client.cn"), { ...dest, policies: "d2" }, { old })).toBe("lacks client.cn");
});

test("routes are those of the new policy, whatever was recorded", () => {
  const routed = 'route r { when port == 22 use ["hub"] } policy new { when route.local == false action allow }';
  expect(outcome(routed)).toBe("allow");
  expect(outcome(routed, { facts: { "route.local": true } })).toBe("allow");
  expect(outcome(allow("route.local == true and dest.ip == 203.0.113.5"), { dest: "203.0.113.5:22" })).toBe("allow");
  expect(outcome(`${routed} route s { when client.cn == "x" use ["b"] }`)).toBe("lacks client.cn");
  expect(outcome(`${routed} route s { when defined client.cn use ["b"] }`)).toBe("lacks client.cn");
});

describe("datagrams, which no backend takes", () => {
  const UDP = 'when proxy.cmd == "udp_associate"';
  const out = `policy old { ${UDP} action allow }`;
  const far = `route r { when host under "corp.test" use ["far"] } ${out}`;
  const datagram = { facts: { "proxy.cmd": "udp_associate" } };
  const refused = { ...datagram, reason: "backend" };
  const literal = { ...refused, target: "203.0.113.5:53" };
  const sent = { ...datagram, decision: "allow", dest: "203.0.113.5:22" };

  test.each([
    ["refused behind a route that is still there", far, { ...refused, route: ["r"] }, "same"],
    ["refused behind a route that is gone", out, { ...literal, route: ["r"] }, "allow"],
    ["refused behind a route that is gone, to a name", out, { ...refused, route: ["r"] }, "lacks dest.ip"],
    ["refused behind the default, to a name that nobody resolved", out, refused, "same"],
    ["refused behind the default, to an address", out, literal, "same"],
    ["refused, and denied by the policy now", `policy new { ${UDP} action deny }`, refused, "same"],
    ["denied by the policy, and allowed now, but behind a route", far, datagram, "same"],
    ["sent, and behind a route now", far, sent, "deny"],
    ["sent by a route that led out directly", far, { ...sent, route: ["r"] }, "same"],
    [
      "sent by a route that led out directly, and denied now",
      `policy new { ${UDP} action deny }`,
      { ...sent, route: ["r"] },
      "deny",
    ],
  ])("%s", (_, policy, more, expected) => expect(outcome(policy, more)).toBe(expected));

  test("the reason is the one that audit lines have", () => {
    const { tally } = replayed(policyOf(far), [{ ...line, ...sent }]);
    expect(tally.changes[0]!.to).toEqual({ decision: "deny", policy: "old", why: "backend", redirected: undefined });
  });

  test("connections that find no backend were allowed: that line counts, and their end does not", () => {
    const allowed = { ...line, decision: "allow", policy: "old", route: ["r"] };
    const failed = { ...line, event: "close", reason: "failed", tried: [{ backend: "far", error: "refused" }] };
    const { tally, others } = replayed(policyOf('route r { use ["far"] } policy old { action allow }'), [
      allowed,
      failed,
    ]);
    expect(tally).toMatchObject({ changed: 0, unchanged: 1, elsewhere: 0, lacking: 0 });
    expect(others).toBe(1);
  });
});

test("the digest of a secret header is not its value", () => {
  const facts = { "header.authorization": "sha256:0123456789abcdef", "header.accept": "text/html" };
  expect(outcome(allow('header.authorization == "sha256:0123456789abcdef"'), { facts })).toBe(
    "lacks header.authorization",
  );
  expect(outcome(allow('header.accept == "text/html"'), { facts, dest: "203.0.113.5:22" })).toBe("allow");
});

test("our own listeners are guarded, told by the options or by the line", () => {
  const own = { target: "203.0.113.1:1080", decision: "allow", dest: "203.0.113.1:1080" };
  expect(outcome(allow("port == 1080"), own)).toBe("same");
  expect(outcome(allow("port == 1080"), own, { own: [{ ip: ip("203.0.113.1"), port: 1080 }] })).toBe("deny");
  expect(outcome(allow("port == 1080"), { ...own, guard: "own-listener" })).toBe("deny");
});

test("what is no decision is counted for what it is", () => {
  const replay = new Replay(policyOf("policy a { action deny }"));
  const close = JSON.stringify({ ...line, event: "close" });
  const whole = JSON.stringify(line);
  for (const text of [
    "",
    "\r",
    "   ",
    "not json",
    "[]",
    "null",
    `{"v":2,"event":"decision"}`,
    close,
    `${whole}\r`,
    whole,
  ])
    replay.take(text);
  expect(replay).toMatchObject({ lines: 7, decisions: 2, others: 1, bad: 4 });
  const broken = { v: 1, event: "decision", command: "socks", target: 5, decision: "deny", facts: {} };
  replay.take(JSON.stringify(broken));
  expect(replay.bad).toBe(5);
});
