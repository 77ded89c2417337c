/** TLS sessions that began when the peer's certificate was good, and are resumed when it is not: a ticket is no pass. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { authority, type Certified, type CertOptions } from "../../support/pki.ts";
import { Scene } from "../../support/scene.ts";
import { pythonServer, runtimeServer } from "../../support/tls-servers.ts";
import { until } from "../../support/until.ts";
import { ClientStage } from "./client-stage.ts";
import { expectRefusals, WORD } from "./refusal.ts";
import { ServerStage, VERSIONS } from "./server-stage.ts";

setDefaultTimeout(60_000);

/** Seconds that a certificate is good for; enough for a session to begin and be resumed once. */
const BRIEF = 6;
const DAY = 86_400;
const WAYS = (["openssl", "python", "runtime"] as const).flatMap((by) => VERSIONS.map((version) => ({ by, version })));

const ca = authority("Clients");
const other = authority("Others");
const steady = ca.issue({ cn: "steady" });

needing("sessions that are resumed", ["openssl", "python3"], () => {
  test("the certificate has expired since, a client's and a server's", async () => {
    const scenes = [new Scene(), new Scene()] as const;
    const [server, client] = await Promise.all([openServer(scenes[0]), openClient(scenes[1])]);
    const brief = briefly({ cn: "brief" });
    await Promise.all([
      refusedByServer(server.stage, "plain", brief.certified, brief.end, "expired"),
      refusedByClient(client.stage, "ca", brief.certified, brief.end, "expired"),
    ]);
    for (const scene of scenes) await scene.close();
  });

  describe("by clients of a server", () => {
    const scene = new Scene();
    let server: Awaited<ReturnType<typeof openServer>>;
    beforeAll(async () => {
      server = await openServer(scene);
    });
    afterAll(() => scene.close());

    test("the certificate is revoked since", async () => {
      const { stage, files } = server;
      const revoked = ca.issue({ cn: "revoked" });
      const change = () => {
        writeFileSync(files.crl, ca.crl({ revoked: [revoked] }) + other.crl());
        return stage.server.reload();
      };
      await refusedByServer(stage, "crl", revoked, change, "revoked");
    });

    test("the policy says something else since", async () => {
      const { stage, files } = server;
      const change = () => {
        writeFileSync(files.acl, policy("steady", "other"));
        return stage.server.reload();
      };
      await refusedByServer(stage, "crl", ca.issue({ cn: "denied" }), change, "policy_default");
    });

    test("the authority is not trusted any more", async () => {
      const { stage, files } = server;
      const change = () => {
        writeFileSync(files.bundle, ca.cert);
        return stage.server.reload("SIGUSR1");
      };
      await refusedByServer(stage, "crl", other.issue({ cn: "other" }), change, "unknown_ca");
    });
  });

  describe("by a client, with servers", () => {
    const scene = new Scene();
    let client: Awaited<ReturnType<typeof openClient>>;
    beforeAll(async () => {
      client = await openClient(scene);
    });
    afterAll(() => scene.close());

    test("the certificate is revoked since", async () => {
      const { stage, files } = client;
      const revoked = ca.issue({ cn: "revoked" });
      const change = () => {
        writeFileSync(files.crl, ca.crl({ revoked: [revoked] }) + other.crl());
        return stage.client.reload();
      };
      await refusedByClient(stage, "crl", revoked, change, "revoked");
    });

    test("the authority is not trusted any more", async () => {
      const { stage, files } = client;
      const change = () => {
        writeFileSync(files.bundle, ca.cert);
        return stage.client.reload("SIGUSR1");
      };
      await refusedByClient(stage, "crl", other.issue({ cn: "other" }), change, "unknown_ca");
    });
  });
});

const policy = (...names: string[]) => `policy some { when client.cn in ${JSON.stringify(names)} action allow }`;

function writeTrust(scene: Scene) {
  const files = {
    bundle: scene.write("bundle.pem", ca.cert + other.cert),
    crl: scene.write("list.crl", ca.crl() + other.crl()),
  };
  return { files, trusts: { ca: { cacert: [files.bundle] }, crl: { cacert: [files.bundle], crl: [files.crl] } } };
}

async function openServer(scene: Scene) {
  const { files, trusts } = writeTrust(scene);
  const acl = scene.write("policy.acl", policy("steady", "revoked", "other", "denied"));
  const tunnels = { plain: { trust: "ca", "allow-all": true }, crl: { trust: "crl", acl } };
  return { stage: await ServerStage.open(scene, trusts, tunnels), files: { ...files, acl } };
}

async function openClient(scene: Scene) {
  const { files, trusts } = writeTrust(scene);
  // A tunnel has one session for its target: each way has its own.
  const rows = ["ca", "crl"].flatMap((trust) => [0, 1, 2, 3].map((i) => [`${trust} ${i}`, { trust }] as const));
  return { stage: await ClientStage.open(scene, trusts, Object.fromEntries(rows)), files };
}

/** With each client a session begins, and is resumed once; then comes `change`, and it must be refused. */
async function refusedByServer(
  stage: ServerStage,
  tunnel: string,
  client: Certified,
  change: () => Promise<unknown>,
  reason: string,
): Promise<void> {
  const attempts = WAYS.map(({ by, version }) => {
    const options = { tunnel, client, version, keep: stage.scene.path(`session-${tunnel}-${reason}-${by}-${version}`) };
    return () => stage.attempt(by, options);
  });
  for (const resumed of [false, true]) {
    const before = stage.server.sessions().length;
    expect(await Promise.all(attempts.map((attempt) => attempt()))).toEqual(attempts.map(() => WORD));
    await until("the records", () => stage.server.sessions().length >= before + attempts.length);
    const records = stage.server.sessions().slice(before);
    expect(records.map(({ tls }) => tls?.resumed)).toEqual(attempts.map(() => resumed));
  }
  await change();
  const good = VERSIONS.map((version) => () => stage.attempt("runtime", { tunnel, client: steady, version }));
  await expectRefusals({ ...stage.watched, bad: attempts, good, reason });
}

/** The same with servers, but for `openssl s_server`: it sends nothing back, and a session must be seen to work. */
async function refusedByClient(
  stage: ClientStage,
  trust: string,
  server: Certified,
  change: () => Promise<unknown>,
  reason: string,
): Promise<void> {
  const act = new Scene();
  const credential = stage.credential(server);
  const servers = await Promise.all(
    VERSIONS.flatMap((version) => [
      pythonServer(stage.python, credential, version),
      runtimeServer(act, credential, version),
    ]),
  );
  const attempts = servers.map(({ port }, i) => () => {
    stage.switch.lead(port);
    return stage.attempt(`${trust} ${i}`);
  });
  for (const resumed of [false, true]) {
    for (const [i, attempt] of attempts.entries()) {
      const before = stage.client.sessions().length;
      expect(await attempt()).toBe(WORD);
      const line = await until("the record", () => stage.client.sessions()[before]);
      expect([i, line.tls?.resumed]).toEqual([i, resumed]);
    }
  }
  await change();
  const after = await Promise.all(VERSIONS.map((version) => runtimeServer(act, stage.credential(steady), version)));
  for (const attempt of attempts)
    await expectRefusals({
      ...stage.watched([...servers, ...after]),
      bad: [attempt],
      good: stage.attempts(`${trust} 0`, after),
      reason,
    });
  await act.close();
}

/** A certificate that is good for a moment, and the end of that. */
function briefly(options: CertOptions): { certified: Certified; end: () => Promise<unknown> } {
  const end = Date.now() + (BRIEF + 1) * 1000;
  const certified = ca.issue({ ...options, to: BRIEF / DAY, nth: end });
  return { certified, end: () => until("the certificate's end", () => Date.now() > end) };
}
