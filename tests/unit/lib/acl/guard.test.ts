/** The address guard: each class, refused by policies that do not name it and passed by those that do. */
import { describe, expect, test } from "bun:test";
import type { Facts } from "../../../../lib/acl/facts.ts";
import type { Guard } from "../../../../lib/acl/guard.ts";
import { type Ip, sameIp } from "../../../../lib/wire/ip.ts";
import { ip, policyOf } from "./support.ts";

const guard: Guard = { own: [{ ip: ip("203.0.113.5"), port: 1080 }], resolvedBy: "us" };

function verdict(condition: string, address: string, host = "name.test", port = 80): string {
  const policy = policyOf(`policy p { when ${condition} action allow }`);
  const facts: Facts = { host, port, "dest.ip": ip(address), "client.ip": ip(address), "tls.server_name": host };
  const { outcome, reason, guardClass } = policy.decide(facts, guard);
  return outcome === "deny" && reason === "guard" ? `guard ${guardClass}` : `${outcome} ${reason}`;
}

const STRONG = [
  ["127.0.0.1", "loopback"],
  ["::1", "loopback"],
  ["64:ff9b::7f00:1", "loopback"],
  ["0.0.0.0", "unspecified"],
  ["::", "unspecified"],
  ["169.254.9.9", "link-local"],
  ["fe80::1", "link-local"],
  ["169.254.169.254", "metadata"],
  ["fd00:ec2::254", "metadata"],
  ["100.100.100.200", "metadata"],
  ["168.63.129.16", "metadata"],
  ["224.0.0.1", "multicast"],
  ["255.255.255.255", "reserved"],
] as const;
const PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1"];

describe("public addresses pass every true policy", () => {
  test.each(["port == 80", 'host =~ "test"', "true == true", "dest.ip != 10.0.0.1"])("%s", (condition) =>
    expect(verdict(condition, "8.8.8.8")).toBe("allow policy"),
  );
});

describe("guarded addresses", () => {
  test.each(STRONG)("%s needs a true comparison of dest.ip", (address, kind) => {
    for (const condition of [
      "port == 80",
      'host == "name.test"',
      'host in ["name.test"]',
      'host under "test"',
      'host =~ "^name\\.test$"',
      "dest.ip != 8.8.8.8",
      "dest.ip not in [8.8.8.0/24]",
      `not (dest.ip not in [${address}])`,
      `not (not (dest.ip == ${address}))`,
      "dest.ip == client.ip",
      "defined dest.ip",
    ]) {
      expect([condition, verdict(condition, address)]).toEqual([condition, `guard ${kind}`]);
    }
    for (const condition of [
      `dest.ip == ${address}`,
      `dest.ip in [${address}]`,
      "dest.ip in [0.0.0.0/0, ::/0]",
      `dest.ip in ${address} and port == 80`,
      `port == 1 or dest.ip == ${address}`,
      `dest.ip == "${address}"`,
    ]) {
      expect([condition, verdict(condition, address)]).toEqual([condition, "allow policy"]);
    }
  });

  test.each(PRIVATE)("%s passes by a true comparison of the name too", (address) => {
    for (const condition of [
      "port == 80",
      'host =~ "^name\\.test$"',
      'host != "x.test"',
      'host not in ["x.test"]',
      'not (host != "name.test")',
      'host not under "x"',
      "host == tls.server_name",
      "dest.ip != 8.8.8.8",
    ]) {
      expect([condition, verdict(condition, address)]).toEqual([condition, "guard private"]);
    }
    for (const condition of [
      'host == "name.test"',
      'host in ["a.test", "name.test"]',
      'host under "test"',
      `dest.ip == ${address}`,
    ]) {
      expect([condition, verdict(condition, address)]).toEqual([condition, "allow policy"]);
    }
  });

  test("our own listeners are guarded by address and port", () => {
    expect(verdict("port > 0", "203.0.113.5", "name.test", 1080)).toBe("guard own-listener");
    expect(verdict('host == "name.test"', "203.0.113.5", "name.test", 1080)).toBe("guard own-listener");
    expect(verdict("dest.ip == 203.0.113.5", "203.0.113.5", "name.test", 1080)).toBe("allow policy");
    expect(verdict("port > 0", "203.0.113.5", "name.test", 1081)).toBe("allow policy");
  });

  test("a listener at every address is reached by those that are local now, one at 0.0.0.0 not by IPv6", () => {
    const local = ["203.0.113.6", "2001:db8::6"].map(ip);
    const kinds = (bound: string, address: string, port = 1080) => {
      const isLocal = (asked: Ip) => local.some((one) => sameIp(one, asked));
      const wildcard: Guard = { own: [{ ip: ip(bound), port: 1080 }], isLocal, resolvedBy: "us" };
      const facts: Facts = { host: "name.test", port, "dest.ip": ip(address) };
      return policyOf("policy p { when port > 0 action allow }").decide(facts, wildcard).guardClass;
    };
    expect(kinds("0.0.0.0", "203.0.113.6")).toBe("own-listener");
    expect(kinds("::", "203.0.113.6")).toBe("own-listener");
    expect(kinds("::", "2001:db8::6")).toBe("own-listener");
    expect(kinds("0.0.0.0", "2001:db8::6")).toBeUndefined();
    expect(kinds("0.0.0.0", "203.0.113.6", 1081)).toBeUndefined();
    expect(kinds("0.0.0.0", "203.0.113.8")).toBeUndefined();
    expect(kinds("203.0.113.8", "203.0.113.6")).toBeUndefined();
    // One that comes up later is local from then on.
    local.push(ip("203.0.113.8"));
    expect(kinds("0.0.0.0", "203.0.113.8")).toBe("own-listener");
  });

  test("an address literal as host counts as a comparison of the address", () => {
    expect(verdict('host == "127.0.0.1"', "127.0.0.1", "127.0.0.1")).toBe("allow policy");
    expect(verdict('host in ["127.1"]', "127.0.0.1", "127.0.0.1")).toBe("allow policy");
    expect(verdict("host == 127.0.0.1", "127.0.0.1", "127.0.0.1")).toBe("allow policy");
    expect(verdict('host =~ "^127"', "127.0.0.1", "127.0.0.1")).toBe("guard loopback");
    expect(verdict('host == "localhost"', "127.0.0.1", "localhost")).toBe("guard loopback");
  });
});

describe("what counts is on the way that the evaluation took", () => {
  test("an operand that was not reached proves nothing", () =>
    expect(verdict("port == 80 or dest.ip == 127.0.0.1", "127.0.0.1")).toBe("guard loopback"));
  test("a true comparison in an operand that is false proves nothing", () => {
    expect(verdict('(dest.ip == 127.0.0.1 and port == 22) or host =~ "name"', "127.0.0.1")).toBe("guard loopback");
  });
  test("require counts as when does", () => {
    const policy = policyOf("policy p { when port == 80 require dest.ip in [127.0.0.0/8] action allow }");
    expect(policy.decide({ port: 80, host: "x.test", "dest.ip": ip("127.0.0.1") }, guard).outcome).toBe("allow");
  });
  test("only the deciding policy counts", () => {
    const policy = policyOf(
      'policy a { when dest.ip in [127.0.0.0/8] and port == 22 action allow } policy b { when host =~ "x" action allow }',
    );
    expect(policy.decide({ port: 80, host: "x.test", "dest.ip": ip("127.0.0.1") }, guard)).toMatchObject({
      outcome: "deny",
      reason: "guard",
      policy: "b",
      guardClass: "loopback",
    });
  });
});

describe("without an address", () => {
  const policy = policyOf("policy p { when port == 80 action allow }");
  test("a name that we should have resolved is refused", () => {
    expect(policy.decide({ port: 80, host: "x.test" }, guard)).toMatchObject({
      outcome: "deny",
      reason: "guard",
      guardClass: "unresolved",
    });
  });
  test("where a backend resolves, names pass and literals are judged", () => {
    const backend: Guard = { own: [], resolvedBy: "backend" };
    expect(policy.decide({ port: 80, host: "x.test" }, backend).outcome).toBe("allow");
    expect(policy.decide({ port: 80, host: "127.0.0.1" }, backend)).toMatchObject({
      reason: "guard",
      guardClass: "loopback",
    });
    expect(policy.decide({ port: 80, host: "64:ff9b::a00:1" }, backend)).toMatchObject({
      reason: "guard",
      guardClass: "private",
    });
  });
  test("a command without destinations is not guarded", () =>
    expect(policy.decide({ port: 80 }, guard).outcome).toBe("allow"));
  test("without a guard nothing is", () =>
    expect(policy.decide({ port: 80, "dest.ip": ip("127.0.0.1") }).outcome).toBe("allow"));
  test("denials, redirects and challenges need no guard", () => {
    for (const action of ["deny", 'redirect "a.test"', 'challenge "x"']) {
      expect(
        policyOf(`policy p { action ${action} }`).decide({ host: "127.0.0.1", "dest.ip": ip("127.0.0.1") }, guard)
          .reason,
      ).toBe("policy");
    }
  });
});

describe("datagrams pass only where the policy names them", () => {
  const verdictOn = (condition: string, cmd: string | undefined, address = "8.8.8.8") => {
    const policy = policyOf(`policy p { when ${condition} action allow }`);
    const facts: Facts = { host: "name.test", port: 443, "dest.ip": ip(address), ...(cmd && { "proxy.cmd": cmd }) };
    const { outcome, guardClass } = policy.decide(facts, guard);
    return guardClass ?? outcome;
  };

  test.each([
    'host in ["name.test"] and port == 443',
    "dest.ip in [0.0.0.0/0]",
    'proxy.cmd != "tcp_connect"',
    'proxy.cmd not in ["tcp_connect"]',
    'not (proxy.cmd == "tcp_connect")',
    'proxy.cmd =~ "udp"',
    "defined proxy.cmd",
    'port == 443 or proxy.cmd == "udp_associate"',
    'not (not (proxy.cmd == "udp_associate"))',
  ])("%s does not", (condition) => {
    expect(verdictOn(condition, "udp_associate")).toBe("udp");
  });

  test.each([
    'proxy.cmd == "udp_associate"',
    'proxy.cmd in ["tcp_connect", "udp_associate"] and port == 443',
    'port == 1 or proxy.cmd == "udp_associate"',
  ])("%s does", (condition) => {
    expect(verdictOn(condition, "udp_associate")).toBe("allow");
  });

  test("in `require` as well, and the address must be named all the same", () => {
    const policy = policyOf('policy p { when port == 443 require proxy.cmd == "udp_associate" action allow }');
    const facts: Facts = { host: "name.test", port: 443, "dest.ip": ip("8.8.8.8"), "proxy.cmd": "udp_associate" };
    expect(policy.decide(facts, guard).outcome).toBe("allow");
    expect(policy.decide({ ...facts, "dest.ip": ip("127.0.0.1") }, guard).guardClass).toBe("loopback");
    expect(verdictOn('proxy.cmd == "udp_associate" and dest.ip == 127.0.0.1', "udp_associate", "127.0.0.1")).toBe(
      "allow",
    );
  });

  test("connections are what they were", () => {
    for (const cmd of ["tcp_connect", undefined]) expect(verdictOn("port == 443", cmd)).toBe("allow");
  });

  test("a policy that never asks for the command denies before a name is resolved; one that does hangs on the address", () => {
    const early = (text: string) =>
      policyOf(text).decideBeforeResolution({ host: "a.test", port: 53, "proxy.cmd": "udp_associate" });
    expect(early("policy p { when port == 53 action allow }")).toMatchObject({
      outcome: "deny",
      guardClass: "udp",
      policy: "p",
    });
    expect(early("policy p { when dest.ip != 10.0.0.1 action allow }").outcome).toBe("resolve");
    expect(early('policy p { when port == 53 or proxy.cmd == "udp_associate" action allow }').outcome).toBe("resolve");
    expect(early("policy l { when port == 53 action log } policy p { action allow }")).toMatchObject({
      guardClass: "udp",
      logged: ["l"],
    });
  });
});
