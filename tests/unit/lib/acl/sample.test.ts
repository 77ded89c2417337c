/** The sample policy loads without a warning and keeps its promises. */
import { expect, test } from "bun:test";
import type { Guard } from "../../../../lib/acl/guard.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { BUILTIN_SAMPLE } from "../../../../lib/acl/sample.ts";
import { ip } from "./support.ts";

const none = () => {
  throw new Error("nothing is read");
};
const { policy, diagnostics } = loadPolicy(BUILTIN_SAMPLE, none);
const guard: Guard = { own: [{ ip: ip("127.0.0.1"), port: 1080 }], resolvedBy: "us" };
const said = (host: string, port: number, address: string) => {
  const {
    outcome,
    policy: name,
    guardClass,
  } = policy!.decide({ command: "socks", host, port, "dest.ip": ip(address) }, guard);
  return `${outcome} ${name} ${guardClass ?? ""}`.trim();
};

test("no diagnostics", () => expect(diagnostics).toEqual([]));

test.each([
  ["example.com", 443, "203.0.113.7", "allow web_and_ssh"],
  ["example.com", 22, "203.0.113.7", "allow web_and_ssh"],
  ["example.com", 25, "203.0.113.7", "deny undefined"],
  ["blocked.example", 443, "203.0.113.7", "deny no_blocked"],
  ["a.tracker.example", 80, "127.0.0.1", "deny no_blocked"],
  ["127.0.0.1", 8080, "127.0.0.1", "allow local_services"],
  ["::1", 8080, "::1", "allow local_services"],
  ["localhost", 8080, "127.0.0.1", "allow local_services"],
  ["127.0.0.1", 80, "127.0.0.1", "deny web_and_ssh loopback"],
  ["intranet.test", 443, "10.0.0.1", "deny web_and_ssh private"],
  ["metadata.test", 80, "169.254.169.254", "deny web_and_ssh metadata"],
] as const)("%s:%p at %s: %s", (host, port, address, wanted) => expect(said(host, port, address)).toBe(wanted));

test("its own test blocks hold", () => {
  for (const { given, expect: wanted } of policy!.program.tests) {
    const decision = policy!.decide(given, guard);
    expect([decision.outcome, decision.policy ?? "default"]).toEqual([wanted.outcome, wanted.by!]);
  }
  expect(policy!.program.tests.length).toBe(4);
});

test("a file may include it", () => {
  const { policy: both } = loadPolicy(
    "p.acl",
    () => 'policy mine { when port == 25 action allow }\ninclude "builtin:sample"',
  );
  expect(both?.policyNames).toEqual(["mine", "no_blocked", "local_services", "web_and_ssh"]);
});
