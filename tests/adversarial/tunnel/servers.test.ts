/** Servers to which `tunnel client` must give nothing, by their certificates: each kind of server, each TLS, each way there. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { needing } from "../../support/needs.ts";
import { Authority, pinOf, selfSigned, type Certified } from "../../support/pki.ts";
import { Scene } from "../../support/scene.ts";
import { runtimeServer } from "../../support/tls-servers.ts";
import { authorities, trusts } from "./authorities.ts";
import { ClientStage, proxied } from "./client-stage.ts";
import { expectRefusals } from "./refusal.ts";
import { VERSIONS } from "./server-stage.ts";

setDefaultTimeout(60_000);

const issuers = authorities("Servers", "Other servers");
const { ca, other, impostor, between, revokedBetween, expiredBetween } = issuers;
const good = ca.issue({ cn: "db", ou: ["databases"], san: ["DNS:localhost", "DNS:db.example"] });
const ofOther = other.issue();
const revoked = ca.issue({ cn: "revoked" });
const below = between.issue();
const revokedBelow = between.issue({ cn: "revoked" });
/** Signs like an authority, and is none. */
const leaf = new Authority(good, false);

interface Case {
  name: string;
  tunnel: TunnelName;
  server: Certified;
  reason: string;
  /** Who is connected to afterwards; default `good`. */
  after?: Certified;
  record?: Record<string, unknown>;
}

const CASES: Case[] = [
  { name: "another authority", tunnel: "plain", server: ofOther, reason: "unknown_ca" },
  {
    name: "another authority, which is sent along",
    tunnel: "plain",
    server: { ...ofOther, chain: ofOther.cert + other.cert },
    reason: "unknown_ca",
  },
  { name: "an authority of the same name", tunnel: "plain", server: impostor.issue(), reason: "unknown_ca" },
  { name: "signed by itself", tunnel: "plain", server: selfSigned(), reason: "unknown_ca" },
  {
    name: "the intermediate is left out",
    tunnel: "plain",
    server: { ...below, chain: below.cert },
    reason: "unknown_ca",
    after: below,
  },
  {
    name: "signed by a certificate that is no authority",
    tunnel: "plain",
    server: leaf.issue(),
    reason: "wrong_purpose",
  },
  { name: "expired", tunnel: "plain", server: ca.issue({ from: -9, to: -1 }), reason: "expired" },
  { name: "the intermediate has expired", tunnel: "plain", server: expiredBetween.issue(), reason: "expired" },
  { name: "not valid yet", tunnel: "plain", server: ca.issue({ from: 1 }), reason: "not_yet_valid" },
  { name: "for clients only", tunnel: "plain", server: ca.issue({ eku: "clientAuth" }), reason: "wrong_purpose" },

  {
    name: "for another name",
    tunnel: "plain",
    server: ca.issue({ san: ["DNS:localhost.example", "DNS:*.localhost"] }),
    reason: "server_name_mismatch",
  },
  {
    name: "for an address only",
    tunnel: "plain",
    server: ca.issue({ san: ["IP:127.0.0.1", "IP:::1"] }),
    reason: "server_name_mismatch",
  },
  {
    name: "the name is in the CN only",
    tunnel: "plain",
    server: ca.issue({ cn: "localhost", san: [] }),
    reason: "server_name_mismatch",
  },
  {
    name: "the name is in the CN, beside alternative names",
    tunnel: "plain",
    server: ca.issue({ cn: "localhost", san: ["DNS:db.example"] }),
    reason: "server_name_mismatch",
  },
  {
    name: "CN as name: there are alternative names",
    tunnel: "cn as name",
    server: ca.issue({ cn: "localhost", san: ["email:a@b.example"] }),
    reason: "server_name_mismatch",
  },
  {
    name: "CN as name: another CN",
    tunnel: "cn as name",
    server: ca.issue({ cn: "db", san: [] }),
    reason: "server_name_mismatch",
  },
  {
    name: "the host's name, where another is asked for",
    tunnel: "override",
    server: ca.issue({ san: ["DNS:localhost"] }),
    reason: "server_name_mismatch",
  },

  {
    name: "a rule, and another name",
    tunnel: "rules",
    server: ca.issue({ cn: "db.evil", ou: ["web"] }),
    reason: "no_access_rule_matches",
  },
  {
    name: "a rule fits, but not the host's name",
    tunnel: "rules",
    server: ca.issue({ cn: "db", san: ["DNS:db.example"] }),
    reason: "server_name_mismatch",
  },
  {
    name: "a rule fits, but not the authority",
    tunnel: "rules",
    server: other.issue({ cn: "db" }),
    reason: "unknown_ca",
  },

  { name: "revoked, the list is PEM", tunnel: "crl pem", server: revoked, reason: "revoked" },
  { name: "revoked, the list is DER", tunnel: "crl der", server: revoked, reason: "revoked" },
  {
    name: "revoked by the second list of a file",
    tunnel: "crls",
    server: revokedBelow,
    reason: "revoked",
    after: below,
  },
  {
    name: "the intermediate is revoked",
    tunnel: "crls",
    server: revokedBetween.issue(),
    reason: "revoked",
    after: below,
  },
  { name: "the list has expired", tunnel: "crl expired", server: good, reason: "no_crl", after: ofOther },
  { name: "the list is not valid yet", tunnel: "crl early", server: good, reason: "no_crl", after: ofOther },
  { name: "there is no list of the authority", tunnel: "crl missing", server: good, reason: "no_crl", after: ofOther },
  { name: "there is no list of the intermediate", tunnel: "crl pem", server: below, reason: "no_crl" },
  { name: "the list is signed by another", tunnel: "crl forged", server: good, reason: "no_crl", after: ofOther },

  {
    name: "no policy says yes",
    tunnel: "policy",
    server: ca.issue({ cn: "web" }),
    reason: "policy_default",
    record: { policy: null },
  },
  {
    name: "a policy says no",
    tunnel: "policy",
    server: ca.issue({ cn: "evil" }),
    reason: "policy",
    record: { policy: "evil" },
  },
  {
    name: "a fact is missing",
    tunnel: "policy",
    server: ca.issue({ cn: "" }),
    reason: "missing_fact",
    record: { missing: "upstream.cn" },
  },
  { name: "another key than the pinned", tunnel: "pin", server: ca.issue({ nth: 1 }), reason: "wrong_pin" },
];

type TunnelName = keyof ReturnType<typeof tunnels>;

/** Tunnels by what a server must be. */
function tunnels(scene: Scene) {
  const policy = scene.write(
    "policy.acl",
    `policy evil { when upstream.cn == "evil" action deny }
     policy databases { when upstream.cn == "db" action allow }`,
  );
  return {
    plain: { trust: "ca" },
    "cn as name": { trust: "ca", "unsafe-cn-as-name": true },
    override: { trust: "ca", "override-server-name": "db.example" },
    rules: { trust: "ca", "verify-cn": ["db"], "verify-ou": ["databases"] },
    "crl pem": { trust: "pem" },
    "crl der": { trust: "der" },
    crls: { trust: "several" },
    "crl expired": { trust: "expired" },
    "crl early": { trust: "early" },
    "crl missing": { trust: "missing" },
    "crl forged": { trust: "forged" },
    policy: { trust: "ca", acl: policy },
    pin: { trust: "ca", "verify-spki-pin": [pinOf(good)] },
  };
}

/** What is refused by name, rules and policy, not by TLS. */
const BY_US = new Set([
  "server_name_mismatch",
  "no_access_rule_matches",
  "wrong_pin",
  "policy",
  "policy_default",
  "missing_fact",
]);

needing("servers that a tunnel client refuses", ["openssl", "python3"], () => {
  const scene = new Scene();
  let stage: ClientStage;
  beforeAll(async () => {
    stage = await ClientStage.open(scene, trusts(scene, issuers, revoked, revokedBelow), tunnels(scene));
  });
  afterAll(() => scene.close());

  test.each(CASES)("$name", async ({ tunnel, server, reason, after: next = good, record }) => {
    const act = new Scene();
    try {
      const both = await Promise.all(VERSIONS.map((version) => stage.servers(act, server, version)));
      const after = await Promise.all(VERSIONS.map((version) => runtimeServer(act, stage.credential(next), version)));
      for (const [i, way] of [tunnel, proxied(tunnel)].entries()) {
        const bad = both.flatMap((ways) => ways[i]!);
        const records = await expectRefusals({
          ...stage.watched([...bad, ...after]),
          bad: stage.attempts(way, bad),
          good: stage.attempts(way, after),
          reason,
          ...(record && { record }),
        });
        // Who it was is told where the certificate is fine, and only what we ask for is not.
        const pin = BY_US.has(reason) ? pinOf(server).replace("sha256:", "") : undefined;
        const denied = records.slice(0, bad.length);
        expect(denied.map((line) => line.upstream?.pin)).toEqual(denied.map(() => pin));
      }
    } finally {
      await act.close();
    }
  });
});
