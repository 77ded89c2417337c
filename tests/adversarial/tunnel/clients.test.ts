/** Clients that must not come through `tunnel server`, by their certificates: each kind of client, each TLS, each way in. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { needing } from "../../support/needs.ts";
import { Authority, pinOf, selfSigned, type Certified } from "../../support/pki.ts";
import { Scene } from "../../support/scene.ts";
import type { Table } from "../../support/tunnel-scene.ts";
import { authorities, trusts } from "./authorities.ts";
import { expectRefusals, type Attempt } from "./refusal.ts";
import { PROXY_HEADER, ServerStage, VERSIONS, type TlsVersion } from "./server-stage.ts";

setDefaultTimeout(60_000);

const issuers = authorities("Clients", "Others");
const { ca, other, impostor, between, revokedBetween, expiredBetween } = issuers;
const constrained = ca.intermediate("Constrained", {
  extensions: ["nameConstraints = critical, permitted;DNS:inside.example"],
});

const alice = ca.issue({ cn: "alice", ou: ["staff"], san: ["DNS:alice.example"] });
const ofOther = other.issue({ cn: "alice", ou: ["staff"], san: ["DNS:alice.example"] });
const mallory = ca.issue({ cn: "mallory", ou: ["guests"], san: ["DNS:mallory.example"] });
const revoked = ca.issue({ cn: "alice", ou: ["staff"], san: ["DNS:alice.example"], nth: 1 });
const below = between.issue({ cn: "alice", san: [] });
const revokedBelow = between.issue({ cn: "alice", san: [], nth: 1 });
const pinned = selfSigned({ cn: "pinned" });

/** Signs like an authority, and is none. */
const leaf = new Authority(alice, false);

interface Case {
  name: string;
  tunnel: TunnelName;
  client: Certified | undefined;
  reason: string;
  /** Who is let through afterwards; default `alice`. */
  good?: Certified;
  record?: Record<string, unknown>;
}

const CASES: Case[] = [
  { name: "no certificate", tunnel: "all", client: undefined, reason: "no_certificate" },
  { name: "another authority", tunnel: "all", client: ofOther, reason: "unknown_ca" },
  {
    name: "another authority, which is sent along",
    tunnel: "all",
    client: { ...ofOther, chain: ofOther.cert + other.cert },
    reason: "unknown_ca",
  },
  {
    name: "an authority of the same name",
    tunnel: "all",
    client: impostor.issue({ cn: "alice" }),
    reason: "unknown_ca",
  },
  { name: "signed by itself", tunnel: "all", client: selfSigned({ cn: "alice" }), reason: "unknown_ca" },
  {
    name: "the intermediate is left out",
    tunnel: "all",
    client: { ...below, chain: below.cert },
    reason: "unknown_ca",
    good: below,
  },
  {
    name: "signed by a certificate that is no authority",
    tunnel: "all",
    client: leaf.issue({ cn: "alice" }),
    reason: "wrong_purpose",
  },
  {
    name: "outside of the authority's name constraints",
    tunnel: "all",
    client: constrained.issue({ cn: "alice", san: ["DNS:alice.example"] }),
    reason: "bad_certificate",
  },
  { name: "expired", tunnel: "all", client: ca.issue({ cn: "alice", from: -9, to: -1 }), reason: "expired" },
  {
    name: "the intermediate has expired",
    tunnel: "all",
    client: expiredBetween.issue({ cn: "alice" }),
    reason: "expired",
  },
  { name: "not valid yet", tunnel: "all", client: ca.issue({ cn: "alice", from: 1 }), reason: "not_yet_valid" },
  {
    name: "for servers only",
    tunnel: "all",
    client: ca.issue({ cn: "alice", eku: "serverAuth" }),
    reason: "wrong_purpose",
  },
  {
    name: "for signing code",
    tunnel: "all",
    client: ca.issue({ cn: "alice", eku: "codeSigning" }),
    reason: "wrong_purpose",
  },

  { name: "another common name", tunnel: "rules", client: mallory, reason: "no_access_rule_matches" },
  {
    name: "the name is in the CN only",
    tunnel: "dns",
    client: ca.issue({ cn: "alice.example", san: [] }),
    reason: "no_access_rule_matches",
  },
  { name: "another alternative name", tunnel: "dns", client: mallory, reason: "no_access_rule_matches" },
  { name: "rules, and another authority", tunnel: "rules", client: ofOther, reason: "unknown_ca" },
  { name: "rules, and no certificate", tunnel: "rules", client: undefined, reason: "no_certificate" },

  { name: "revoked, the list is PEM", tunnel: "crl pem", client: revoked, reason: "revoked" },
  { name: "revoked, the list is DER", tunnel: "crl der", client: revoked, reason: "revoked" },
  {
    name: "revoked by the second list of a file",
    tunnel: "crls",
    client: revokedBelow,
    reason: "revoked",
    good: below,
  },
  {
    name: "the intermediate is revoked",
    tunnel: "crls",
    client: revokedBetween.issue({ cn: "alice" }),
    reason: "revoked",
    good: below,
  },
  { name: "the list has expired", tunnel: "crl expired", client: alice, reason: "no_crl", good: ofOther },
  {
    name: "revoked, and the list has expired",
    tunnel: "crl expired",
    client: revoked,
    reason: "no_crl",
    good: ofOther,
  },
  { name: "the list is not valid yet", tunnel: "crl early", client: alice, reason: "no_crl", good: ofOther },
  { name: "there is no list of the authority", tunnel: "crl missing", client: alice, reason: "no_crl", good: ofOther },
  { name: "there is no list of the intermediate", tunnel: "crl pem", client: below, reason: "no_crl" },
  { name: "the list is signed by another", tunnel: "crl forged", client: alice, reason: "no_crl", good: ofOther },

  { name: "no policy says yes", tunnel: "policy", client: mallory, reason: "policy_default", record: { policy: null } },
  {
    name: "a policy says no",
    tunnel: "policy",
    client: ca.issue({ cn: "eve" }),
    reason: "policy",
    record: { policy: "eve" },
  },
  {
    name: "a fact is missing",
    tunnel: "policy",
    client: ca.issue({ cn: "" }),
    reason: "missing_fact",
    record: { missing: "client.cn" },
  },
  { name: "a policy alone, and no certificate", tunnel: "anybody", client: undefined, reason: "no_certificate" },
  { name: "a policy alone, and another authority", tunnel: "anybody", client: ofOther, reason: "unknown_ca" },
  {
    name: "rules say yes, the policy no",
    tunnel: "rules and policy",
    client: ca.issue({ cn: "eve" }),
    reason: "policy",
  },
  {
    name: "the policy says yes, rules no",
    tunnel: "rules and policy",
    client: ca.issue({ cn: "bob" }),
    reason: "no_access_rule_matches",
  },

  { name: "another key than the pinned", tunnel: "pin", client: alice, reason: "wrong_pin", good: pinned },
  { name: "a pin, and no certificate", tunnel: "pin", client: undefined, reason: "no_certificate", good: pinned },
];

type TunnelName = keyof ReturnType<typeof tunnels>;

/** Tunnels by what lets a client in. */
function tunnels(scene: Scene) {
  const policy = scene.write(
    "policy.acl",
    `policy eve { when client.cn == "eve" action deny }
     policy friends { when client.cn in ["alice", "bob"] action allow }`,
  );
  return {
    all: { trust: "ca", "allow-all": true },
    rules: { trust: "ca", "allow-cn": ["alice", "bob", "eve"], "allow-ou": ["staff"] },
    dns: { trust: "ca", "allow-dns": ["alice.example"] },
    "crl pem": { trust: "pem", "allow-all": true },
    "crl der": { trust: "der", "allow-all": true },
    crls: { trust: "several", "allow-all": true },
    "crl expired": { trust: "expired", "allow-all": true },
    "crl early": { trust: "early", "allow-all": true },
    "crl missing": { trust: "missing", "allow-all": true },
    "crl forged": { trust: "forged", "allow-all": true },
    policy: { trust: "ca", acl: policy },
    anybody: { trust: "ca", acl: scene.write("anybody.acl", "policy anybody { action allow }") },
    "rules and policy": { trust: "ca", acl: policy, "allow-cn": ["alice", "eve"] },
    pin: { trust: "ca", "allow-spki-pin": [pinOf(pinned)] },
  };
}

needing("clients that a tunnel server refuses", ["openssl", "python3"], () => {
  const scene = new Scene();
  let stage: ServerStage;
  beforeAll(async () => {
    const direct = tunnels(scene);
    const proxied = Object.entries(direct).map(([name, keys]) => [
      proxiedName(name),
      { ...keys, "accept-proxy-from": ["127.0.0.1"] },
    ]);
    stage = await ServerStage.open(scene, trusts(scene, issuers, revoked, revokedBelow), {
      ...direct,
      ...(Object.fromEntries(proxied) as Record<string, Table>),
    });
  });
  afterAll(() => scene.close());

  test.each(CASES)("$name", async ({ tunnel, client, reason, good = alice, record }) => {
    const behind = { tunnel: proxiedName(tunnel), client, prefix: PROXY_HEADER };
    const attempts = (version: TlsVersion): Attempt[] => [
      () => stage.attempt("openssl", { tunnel, client, version }),
      () => stage.attempt("runtime", { tunnel, client, version }),
      () => stage.attempt("python", { ...behind, version }),
    ];
    const records = await expectRefusals({
      ...stage.watched,
      bad: VERSIONS.flatMap(attempts),
      good: VERSIONS.map((version) => () => stage.attempt("runtime", { tunnel, client: good, version })),
      reason,
      ...(record && { record }),
    });
    const denied = records.slice(0, -VERSIONS.length);
    const ofProxied = denied.filter((line) => line.tunnel === behind.tunnel);
    expect(ofProxied.map((line) => line.client)).toEqual(VERSIONS.map(() => "192.0.2.1:1111"));
    // Who it was is told where the certificate is fine, and only the rules are not.
    const pin = client !== undefined && BY_US.has(reason) ? pinOf(client).replace("sha256:", "") : undefined;
    expect(denied.map((line) => line.certificate?.pin)).toEqual(denied.map(() => pin));
  });
});

/** What is refused by rules and policy, not by TLS. */
const BY_US = new Set(["no_access_rule_matches", "wrong_pin", "policy", "policy_default", "missing_fact"]);

const proxiedName = (tunnel: string) => `${tunnel}, proxied`;
