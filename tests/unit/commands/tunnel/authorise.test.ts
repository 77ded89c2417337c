/** Certificate, rules, policy: which refusal comes of which. How rules and policies match is told beside them. */
import { describe, expect, test } from "bun:test";
import { decideByPolicy, identify, refusedByRules } from "../../../../commands/tunnel/authorise.ts";
import { Refusal } from "../../../../commands/tunnel/refusal.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import type { Facts } from "../../../../lib/acl/facts.ts";
import { parseAccessRules } from "../../../../lib/identity/access.ts";
import { certificate, commonName } from "../../../support/der.ts";
import { peerWith } from "../../../support/peer.ts";

/** Valid from 2025-01-02 03:04:05 to ten years later. */
const FROM = Date.UTC(2025, 0, 2, 3, 4, 5);
const TO = Date.UTC(2035, 0, 2, 3, 4, 5);
const TLS = { version: "TLSv1.3", resumed: false, certificate: certificate({ subject: commonName("alice") }) };

describe("who the peer is", () => {
  const reason = (now: number | undefined) => {
    const known = identify(TLS, "handshake", now);
    return known instanceof Refusal ? known.reason : known.peer?.cn;
  };

  test.each([
    [FROM, "alice"],
    [TO, "alice"],
    [FROM - 1, "not_yet_valid"],
    [TO + 1, "expired"],
    [undefined, "alice"],
  ])("at %p: %s", (now, expected) => expect(reason(now)).toBe(expected));

  test("a refusal for its dates tells who it was", () => {
    expect(identify(TLS, "dial", TO + 1)).toMatchObject({ phase: "dial", peer: { cn: "alice" } });
  });

  test("without a certificate, or without TLS, nobody", () => {
    const { certificate: _, ...bare } = TLS;
    expect([identify(bare, "dial", TO + 1), identify(undefined, "dial", FROM)]).toEqual([
      { peer: undefined },
      { peer: undefined },
    ]);
  });

  test("a certificate that cannot be read is refused, under a pin too", () => {
    const broken = { ...TLS, certificate: TLS.certificate.subarray(0, -1) };
    for (const now of [FROM, undefined])
      expect(identify(broken, "handshake", now)).toMatchObject({ reason: "bad_certificate", phase: "handshake" });
  });
});

describe("the rules of the flags", () => {
  const peer = peerWith({ cn: "alice" });
  const refused = (who: typeof peer | undefined, cn: string) =>
    refusedByRules(parseAccessRules({ cn: [cn] }, "allow"), who, "handshake");

  test("let through, or say why not, and whom", () => {
    expect(refused(peer, "alice")).toBeUndefined();
    expect(refused(peer, "bob")).toMatchObject({ reason: "no_access_rule_matches", phase: "handshake", peer });
    expect(refused(undefined, "bob")).toMatchObject({ reason: "no_certificate", peer: undefined });
  });

  test("let nobody through without a certificate, whatever they say", () => {
    for (const rules of [{ all: true }, { cn: ["*"] }, { spkiPin: [`sha256:${peer.pin}`] }])
      expect(refusedByRules(parseAccessRules(rules, "allow"), undefined, "dial")?.reason).toBe("no_certificate");
  });
});

describe("the policy", () => {
  const policy = loaded(`
    policy friends { when client.cn == "alice" action allow }
    policy foes { when client.cn == "mallory" action deny }
    policy elsewhere { when tls.server_name == "x" action allow }
  `);
  const outcome = (facts: Facts) => {
    const decided = decideByPolicy(policy, { command: "tunnel", ...facts }, "dial");
    return decided instanceof Refusal ? [decided.phase, decided.reason, decided.message] : decided.policy;
  };

  test("allows", () => expect(outcome({ "client.cn": "alice" })).toBe("friends"));

  test.each([
    [{ "client.cn": "mallory" }, "policy", 'refused: by policy "foes"'],
    [{ "client.cn": "bob", "tls.server_name": "y" }, "policy_default", "refused: no policy allows it"],
    [{ "client.cn": "bob" }, "missing_fact", "refused: the fact tls.server_name is missing"],
    [{}, "missing_fact", "refused: the fact client.cn is missing"],
  ])("refuses %p", (facts, reason, message) => expect(outcome(facts)).toEqual(["dial", reason, message]));

  test("that redirects or challenges does not allow", () => {
    for (const action of ['challenge "who?"', 'redirect "example.org:1"']) {
      const other = loaded(`policy p { when command == "tunnel" action ${action} }`);
      expect(decideByPolicy(other, { command: "tunnel" }, "handshake")).toMatchObject({ reason: "policy" });
    }
  });
});

function loaded(text: string) {
  const { policy, diagnostics } = loadPolicy("p.acl", () => text);
  if (policy === undefined) throw new Error(Bun.inspect(diagnostics));
  return policy;
}
