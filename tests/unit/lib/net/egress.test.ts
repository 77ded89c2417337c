/** From facts to decided addresses, with a resolver that the test answers for. Connects nothing. */
import { describe, expect, test } from "bun:test";
import type { Facts } from "../../../../lib/acl/facts.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { decideEgress, type Verdict } from "../../../../lib/net/egress.ts";
import { ResolveError } from "../../../../lib/net/resolve.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

type Names = Record<string, string[] | ResolveError | Error>;

/** Decides `host:443` by `acl`; `asked` are the names that were resolved. */
async function decide(acl: string, facts: Partial<Facts>, names: Names = {}) {
  const { policy, diagnostics } = loadPolicy("it.acl", () => acl);
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics));
  const asked: string[] = [];
  const resolve = (host: string): Promise<string[]> => {
    asked.push(host);
    const answer = names[host] ?? new ResolveError("not_found", "ENOTFOUND");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const guard = { own: [{ ip: parseIp("203.0.113.99")!, port: 443 }], resolvedBy: "us" } as const;
  const given: Facts = { command: "socks", port: 443, ...facts };
  const verdict: Verdict = await decideEgress(given, { policy, resolve, guard });
  return { verdict, asked, outcome: verdict.decision.outcome, ips: verdict.candidates.map(({ ip }) => ip) };
}

const ALLOW = "policy out { when port == 443 action allow }";

describe("one decision on each address, one resolution", () => {
  test("what is left is connected, in the order of RFC 8305; what is not is named", async () => {
    const answer = ["2001:db8::1", "127.0.0.1", "2001:db8::2", "10.0.0.1", "192.0.2.1", "203.0.113.99"];
    const { verdict, asked, outcome, ips } = await decide(ALLOW, { host: "a.example" }, { "a.example": answer });
    expect(outcome).toBe("allow");
    expect(ips).toEqual(["2001:db8::1", "192.0.2.1", "2001:db8::2"]);
    expect(verdict.candidates.every(({ port }) => port === 443)).toBe(true);
    expect(verdict.dropped).toEqual([
      { ip: "127.0.0.1", reason: "guard", policy: "out" },
      { ip: "10.0.0.1", reason: "guard", policy: "out" },
      { ip: "203.0.113.99", reason: "guard", policy: "out" },
    ]);
    expect(asked).toEqual(["a.example"]);
  });

  test("none left: denied, by the first denial", async () => {
    const names = { "a.example": ["10.0.0.1", "127.0.0.1"] };
    const { verdict, outcome, ips } = await decide(ALLOW, { host: "a.example" }, names);
    expect([outcome, ips]).toEqual(["deny", []]);
    expect(verdict.decision).toMatchObject({ policy: "out", reason: "guard", guardClass: "private" });
    expect(verdict.dropped.map(({ ip }) => ip)).toEqual(["10.0.0.1", "127.0.0.1"]);
  });

  test("an address that a policy denies is dropped beside one that it allows", async () => {
    const acl = `policy no { when dest.ip in [192.0.2.0/24] action deny }\n${ALLOW}`;
    const names = { "a.example": ["192.0.2.1", "198.51.100.1"] };
    const { verdict, ips } = await decide(acl, { host: "a.example" }, names);
    expect(ips).toEqual(["198.51.100.1"]);
    expect(verdict.dropped).toEqual([{ ip: "192.0.2.1", reason: "policy", policy: "no" }]);
    expect(verdict.facts["dest.ip"]).toEqual(parseIp("198.51.100.1")!);
  });

  test("an answer that is no address is no candidate", async () => {
    const { verdict, ips } = await decide(ALLOW, { host: "a.example" }, { "a.example": ["not an address"] });
    expect(ips).toEqual([]);
    expect(verdict.failure?.kind).toBe("not_found");
  });
});

describe("literals", () => {
  test("are never resolved", async () => {
    const { asked, ips } = await decide(ALLOW, { host: "192.0.2.7", "dest.ip": parseIp("192.0.2.7")! });
    expect([asked, ips]).toEqual([[], ["192.0.2.7"]]);
    expect((await decide(ALLOW, { host: "2001:db8::7" })).ips).toEqual(["2001:db8::7"]);
  });

  test("a known address is what is connected, whatever the host", async () => {
    const { asked, ips } = await decide(ALLOW, { host: "a.example", "dest.ip": parseIp("192.0.2.7")! });
    expect([asked, ips]).toEqual([[], ["192.0.2.7"]]);
  });
});

describe("no question for what is denied anyway", () => {
  test.each([
    ["the default", 'policy one { when host == "b.example" action allow }'],
    ["a denial by name", `policy no { when host under "example" action deny }\n${ALLOW}`],
    ["a missing fact", `policy who { when client.user == "ann" action allow }\n${ALLOW}`],
    ["another port", "policy one { when port == 80 action allow }"],
    ["a challenge", `policy stop { when port == 443 action challenge "prove it" }\n${ALLOW}`],
  ])("%s", async (_, acl) => {
    const { outcome, asked } = await decide(acl, { host: "a.example" }, { "a.example": ["192.0.2.1"] });
    expect(outcome).not.toBe("allow");
    expect(asked).toEqual([]);
  });

  test("one for what hangs on the address", async () => {
    const acl = `policy no { when dest.ip in [192.0.2.0/24] action deny }`;
    const { asked, outcome } = await decide(`${acl}\n${ALLOW}`, { host: "a.example" }, { "a.example": ["192.0.2.1"] });
    expect([asked, outcome]).toEqual([["a.example"], "deny"]);
  });
});

describe("a name that does not resolve", () => {
  test.each(["not_found", "timeout", "failed"] as const)("%s: denied, with the failure apart", async (kind) => {
    const failure = new ResolveError(kind, "it said no");
    const { verdict, outcome } = await decide(ALLOW, { host: "a.example" }, { "a.example": failure });
    expect(outcome).toBe("deny");
    expect(verdict.failure).toBe(failure);
    expect(verdict.candidates).toEqual([]);
  });

  test("a mistake of the resolver itself is not swallowed", async () => {
    const bug = new TypeError("bug");
    expect(decide(ALLOW, { host: "a.example" }, { "a.example": bug })).rejects.toBe(bug);
  });
});

describe("redirects", () => {
  const MOVED = 'policy moved { when host == "old.example" action redirect "new.example:8443" }';

  test("the target is decided again, and only it is resolved", async () => {
    const acl = `${MOVED}\npolicy out { when host == "new.example" and port == 8443 action allow }`;
    const names = { "old.example": ["192.0.2.1"], "new.example": ["192.0.2.2"] };
    const { verdict, asked } = await decide(acl, { host: "old.example" }, names);
    expect(verdict.candidates).toEqual([{ ip: "192.0.2.2", port: 8443 }]);
    expect(verdict).toMatchObject({ host: "new.example", port: 8443, redirected: true });
    expect(asked).toEqual(["new.example"]);
  });

  test("the target may be denied, and is guarded", async () => {
    expect((await decide(MOVED, { host: "old.example" })).outcome).toBe("deny");
    const acl = `${MOVED}\npolicy out { when port == 8443 action allow }`;
    const { verdict } = await decide(acl, { host: "old.example" }, { "new.example": ["127.0.0.1"] });
    expect(verdict.decision).toMatchObject({ outcome: "deny", reason: "guard", guardClass: "loopback" });
  });

  test("to a literal, the old address is forgotten", async () => {
    const acl = `policy moved { when host == "old.example" action redirect "192.0.2.9" }\n${ALLOW}`;
    const { ips, asked } = await decide(acl, { host: "old.example" }, { "old.example": ["192.0.2.1"] });
    expect([ips, asked]).toEqual([["192.0.2.9"], []]);
  });

  test("in a circle end in a denial", async () => {
    const acl = `${MOVED}\npolicy back { when host == "new.example" action redirect "old.example:443" }`;
    const { verdict } = await decide(acl, { host: "old.example" });
    expect(verdict.decision).toMatchObject({ outcome: "deny", reason: "depth" });
    expect(verdict.candidates).toEqual([]);
  });
});
