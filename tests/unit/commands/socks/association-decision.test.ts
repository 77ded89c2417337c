/** Datagrams are decided as connections are; a route to a backend refuses them, whatever the policy says. */
import { describe, expect, test } from "bun:test";
import { decideDatagrams } from "../../../../commands/socks/association-decision.ts";
import { Wants } from "../../../../commands/socks/facts.ts";
import type { Asker } from "../../../../commands/socks/passage.ts";
import type { Proxy } from "../../../../commands/socks/proxy.ts";
import type { Facts } from "../../../../lib/acl/facts.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

const asker = { conn: {}, session: "s", user: "alice", origin: undefined } as unknown as Asker;
const UDP = 'when proxy.cmd == "udp_associate"';

function decide(source: string, host: string, known?: string) {
  const { policy, diagnostics } = loadPolicy("it.acl", () => source, { backends: ["far"] });
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics));
  const asked: string[] = [];
  const resolve = (name: string) => (asked.push(name), Promise.resolve(["192.0.2.1", "2001:db8::1"]));
  const exits = { otherwise: [], isDirect: () => false };
  const proxy = {
    egress: {
      policy,
      resolve,
      guard: { own: [], resolvedBy: "us" },
      exits: policy.routeCount > 0 ? exits : undefined,
    },
    wants: new Wants(policy.mentions),
    known: (facts: Facts) => facts,
  };
  const ip = parseIp(host);
  const request = { protocol: "socks5", host, ip, port: 443, http: undefined, command: "udp_associate" } as const;
  const canonical = ip === undefined ? { host } : { host, ip };
  const verdict = decideDatagrams(
    proxy as unknown as Proxy,
    asker,
    request,
    canonical,
    known === undefined ? undefined : parseIp(known),
  );
  return { verdict, asked };
}

test("facts are those of a connection, with the command", async () => {
  const { verdict } = decide(
    `policy p { ${UDP} and client.user == "alice" and host == "a.example" and port == 443 action allow }`,
    "a.example",
  );
  const { decision, candidates, facts } = await verdict;
  expect(decision).toMatchObject({ outcome: "allow", policy: "p" });
  expect(candidates.map(({ ip }) => ip)).toEqual(["192.0.2.1", "2001:db8::1"]);
  expect(facts).toMatchObject({ command: "socks", "proxy.protocol": "socks5", "proxy.cmd": "udp_associate" });
});

test("a decision is renewed with the address that it had: the name is not resolved again", () => {
  const { verdict, asked } = decide(`policy p { ${UDP} action allow }`, "a.example", "192.0.2.7");
  expect(verdict).toMatchObject({ decision: { outcome: "allow" }, candidates: [{ ip: "192.0.2.7", port: 443 }] });
  expect(asked).toEqual([]);
  const guarded = decide(`policy p { ${UDP} action allow }`, "a.example", "127.0.0.1");
  expect(guarded.verdict).toMatchObject({ decision: { outcome: "deny", guardClass: "loopback" }, candidates: [] });
});

describe("routes", () => {
  const allow = `policy p { ${UDP} action allow }`;

  test.each([
    ["by name", 'route r { when host == "a.example" use ["far"] }', "a.example"],
    ["by address", 'route r { when dest.ip == 192.0.2.1 use ["far"] }', "192.0.2.1"],
  ])("to a backend, %s: refused, not sent past it", async (_, route, host) => {
    const verdict = await decide(`${route}\n${allow}`, host).verdict;
    expect(verdict.decision).toMatchObject({ outcome: "deny", policy: "p", reason: "backend" });
    expect(verdict.candidates).toEqual([]);
  });

  test("that ask for a fact that is missing refuse", async () => {
    const verdict = await decide(`route r { when client.cn == "x" use ["far"] }\n${allow}`, "192.0.2.1").verdict;
    expect(verdict.decision).toMatchObject({ outcome: "deny", reason: "missing_fact", missing: "client.cn" });
    expect(verdict.candidates).toEqual([]);
  });

  test("that do not match are nothing to them", async () => {
    const verdict = await decide(`route r { when host == "b.example" use ["far"] }\n${allow}`, "a.example").verdict;
    expect(verdict.decision.outcome).toBe("allow");
  });
});
