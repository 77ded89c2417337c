/** What each --allow rule of a server and each --verify rule of a client lets through, and what it does not: one table for both. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SessionEvent } from "../../../lib/audit/event.ts";
import { needing } from "../../support/needs.ts";
import { authority, pinOf } from "../../support/pki.ts";
import { Scene } from "../../support/scene.ts";
import { runtimeServer } from "../../support/tls-servers.ts";
import type { RunningTunnel, Table } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";
import { ClientStage } from "./client-stage.ts";
import { WORD } from "./refusal.ts";
import { ServerStage, VERSIONS } from "./server-stage.ts";

setDefaultTimeout(60_000);

const ca = authority("Rules");
/** Both sides have it. */
const peer = ca.issue({
  cn: "alice",
  ou: ["staff", "on call"],
  san: [
    "DNS:localhost",
    "DNS:alice.example",
    "IP:127.0.0.1",
    "IP:192.0.2.7",
    "IP:2001:db8::7",
    "URI:spiffe://example/ns/prod/alice",
    "email:alice@mail.example",
  ],
});
const other = pinOf(ca.issue({ nth: 1 }));

type Rules = Record<string, string[]>;

/** Rules without `allow-` or `verify-`, and whether they let the peer through. */
const TABLE: [Rules, boolean][] = [
  [{ cn: ["alice"] }, true],
  [{ cn: ["bob", "alice"] }, true],
  [{ cn: ["al*"] }, true],
  [{ cn: ["*"] }, true],
  [{ cn: ["bob"] }, false],
  [{ cn: ["alic"] }, false],
  [{ cn: ["lice"] }, false],
  [{ cn: ["alice2"] }, false],
  [{ cn: ["b*"] }, false],
  [{ cn: ["Alice"] }, false],
  [{ cn: ["alice.example"] }, false],
  [{ cn: ["a?ice", ".*", "a.ice", "^alice$"] }, false],

  [{ ou: ["staff"] }, true],
  [{ ou: ["on call"] }, true],
  [{ ou: ["on *"] }, true],
  [{ ou: ["alice"] }, false],
  [{ ou: ["staff, on call"] }, false],
  [{ ou: ["sta"] }, false],

  [{ dns: ["alice.example"] }, true],
  [{ dns: ["ALICE.example"] }, true],
  [{ dns: ["*.example"] }, true],
  [{ dns: ["al*.example"] }, true],
  [{ dns: ["alice"] }, false],
  [{ dns: ["example"] }, false],
  [{ dns: ["*"] }, true],
  [{ dns: ["*.alice.example"] }, false],
  [{ dns: ["mail.example"] }, false],
  [{ dns: ["192.0.2.7"] }, false],

  [{ ip: ["192.0.2.7"] }, true],
  [{ ip: ["2001:DB8:0::7"] }, true],
  [{ ip: ["192.0.2.8", "2001:db8::8"] }, false],

  [{ uri: ["spiffe://example/ns/prod/alice"] }, true],
  [{ uri: ["spiffe://example/ns/*/alice"] }, true],
  [{ uri: ["spiffe://example/ns/**"] }, true],
  [{ uri: ["spiffe://example/*"] }, false],
  [{ uri: ["spiffe://example/ns/*"] }, false],
  [{ uri: ["spiffe://example/ns/prod/alice/**"] }, true],
  [{ uri: ["spiffe://example/ns/prod/alice/x/**"] }, false],
  [{ uri: ["spiffe://example/ns/prod/al"] }, false],
  [{ uri: ["spiffe://other/**"] }, false],

  [{ "spki-pin": [pinOf(peer)] }, true],
  [{ "spki-pin": [pinOf(peer, "sha384")] }, true],
  [{ "spki-pin": [pinOf(peer, "sha512")] }, true],
  [{ "spki-pin": [other, pinOf(peer)] }, true],
  [{ "spki-pin": [other] }, false],

  [{ cn: ["bob"], ou: ["guests"], dns: ["alice.example"] }, true],
  [{ cn: ["bob"], uri: ["spiffe://other/**"], ip: ["192.0.2.7"] }, true],
  [{ cn: ["bob"], ou: ["guests"], dns: ["bob.example"], ip: ["192.0.2.8"], uri: ["spiffe://other/**"] }, false],
];

const nameOf = (rules: Rules) => JSON.stringify(rules).replaceAll('"', "");

function tunnels(prefix: "allow" | "verify"): Record<string, Table> {
  return Object.fromEntries(
    TABLE.map(([rules]) => {
      const keys = Object.fromEntries(Object.entries(rules).map(([kind, values]) => [`${prefix}-${kind}`, values]));
      return [nameOf(rules), { trust: "ca", ...keys }];
    }),
  );
}

/** What came back through each tunnel, and what was recorded of it. */
const expected = TABLE.map(([rules, through]) => {
  if (through) return [nameOf(rules), WORD, "allow"];
  return [nameOf(rules), "", "spki-pin" in rules ? "wrong_pin" : "no_access_rule_matches"];
});

/** By tunnel: what came back, and the reason of a refusal. */
function outcomes(got: readonly string[], records: readonly SessionEvent[]): unknown[] {
  return TABLE.map(([rules], i) => {
    const name = nameOf(rules);
    const [line, ...more] = records.filter(({ tunnel }) => tunnel === name);
    return [name, got[i], line?.decision === "allow" ? "allow" : line?.reason, ...more];
  });
}

const LET_THROUGH = TABLE.filter(([, through]) => through).length;

needing("rules of a tunnel", ["openssl", "python3"], () => {
  const scene = new Scene();
  const trusts = { ca: { cacert: [scene.write("ca.pem", ca.cert)] } };
  afterAll(() => scene.close());

  describe("server", () => {
    let stage: ServerStage;
    beforeAll(async () => {
      stage = await ServerStage.open(scene, trusts, tunnels("allow"));
    });

    test.each(VERSIONS)("%s", async (version) => {
      const before = stage.server.sessions().length;
      const [connections, bytes] = [stage.target.connections, stage.target.bytes];
      const got = await Promise.all(
        TABLE.map(([rules]) => stage.attempt("runtime", { tunnel: nameOf(rules), client: peer, version })),
      );
      expect(outcomes(got, await recorded(stage.server, before))).toEqual(expected);
      expect(stage.target.connections - connections).toBe(LET_THROUGH);
      expect(stage.target.bytes - bytes).toBe(LET_THROUGH * WORD.length);
    });
  });

  describe("client", () => {
    let stage: ClientStage;
    beforeAll(async () => {
      stage = await ClientStage.open(scene, trusts, tunnels("verify"));
    });

    test.each(VERSIONS)("%s", async (version) => {
      const before = stage.client.sessions().length;
      const server = await runtimeServer(scene, stage.credential(peer), version);
      stage.switch.lead(server.port);
      const got = await Promise.all(TABLE.map(([rules]) => stage.attempt(nameOf(rules))));
      expect(outcomes(got, await recorded(stage.client, before))).toEqual(expected);
      expect(await server.bytes()).toBe(LET_THROUGH * WORD.length);
    });
  });
});

async function recorded(tunnel: RunningTunnel, before: number): Promise<SessionEvent[]> {
  await until("all records", () => tunnel.sessions().length >= before + TABLE.length);
  return tunnel.sessions().slice(before);
}
