/** TLS sessions that began when the peer's certificate was good, and are resumed when it is not: a ticket is no pass. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { authority, type Certified } from "../../support/pki.ts";
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
const ofOther = other.issue({ cn: "other" });

needing("sessions that are resumed", ["openssl", "python3"], () => {
  test("the certificate has expired since, or the revocation list of its authority", async () => {
    const scenes = [new Scene(), new Scene()] as const;
    const end = Date.now() + (BRIEF + 1) * 1000;
    const brief = ca.issue({ cn: "brief", to: BRIEF / DAY, nth: end });
    const list = ca.crl({ to: BRIEF / DAY }) + other.crl();
    const [server, client] = await Promise.all([openServer(scenes[0], list), openClient(scenes[1], list)]);
    const [ofServer, ofClient] = await Promise.all([
      [await begunWithServer(server.stage, "plain", brief), await begunWithServer(server.stage, "crl", steady)],
      [await begunByClient(client.stage, "ca", brief), await begunByClient(client.stage, "crl", steady)],
    ]);
    await until("the end of both", () => Date.now() > end);
    for (const [expired, unlisted] of [ofServer, ofClient]) {
      await expired!("expired", steady);
      await unlisted!("no_crl", ofOther);
    }
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
      const refused = await begunWithServer(stage, "crl", revoked);
      await change();
      await refused("revoked", steady);
    });

    test("the policy says something else since", async () => {
      const { stage, files } = server;
      const change = () => {
        writeFileSync(files.acl, policy("steady", "other"));
        return stage.server.reload();
      };
      const refused = await begunWithServer(stage, "crl", ca.issue({ cn: "denied" }));
      await change();
      await refused("policy_default", steady);
    });

    test("the authority is not trusted any more", async () => {
      const { stage, files } = server;
      const change = () => {
        writeFileSync(files.bundle, ca.cert);
        return stage.server.reload("SIGUSR1");
      };
      const refused = await begunWithServer(stage, "crl", ofOther);
      await change();
      await refused("unknown_ca", steady);
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
      const refused = await begunByClient(stage, "crl", revoked);
      await change();
      await refused("revoked", steady);
    });

    test("the authority is not trusted any more", async () => {
      const { stage, files } = client;
      const change = () => {
        writeFileSync(files.bundle, ca.cert);
        return stage.client.reload("SIGUSR1");
      };
      const refused = await begunByClient(stage, "crl", ofOther);
      await change();
      await refused("unknown_ca", steady);
    });
  });
});

let number = 0;
const policy = (...names: string[]) => `policy some { when client.cn in ${JSON.stringify(names)} action allow }`;

function writeTrust(scene: Scene, list: string) {
  const files = {
    bundle: scene.write("bundle.pem", ca.cert + other.cert),
    crl: scene.write("list.crl", list),
  };
  return { files, trusts: { ca: { cacert: [files.bundle] }, crl: { cacert: [files.bundle], crl: [files.crl] } } };
}

async function openServer(scene: Scene, list = ca.crl() + other.crl()) {
  const { files, trusts } = writeTrust(scene, list);
  const acl = scene.write("policy.acl", policy("steady", "revoked", "other", "denied"));
  const tunnels = { plain: { trust: "ca", "allow-all": true }, crl: { trust: "crl", acl } };
  return { stage: await ServerStage.open(scene, trusts, tunnels), files: { ...files, acl } };
}

async function openClient(scene: Scene, list = ca.crl() + other.crl()) {
  const { files, trusts } = writeTrust(scene, list);
  // A tunnel has one session for its target: each way has its own.
  const rows = ["ca", "crl"].flatMap((trust) => [0, 1, 2, 3].map((i) => [`${trust} ${i}`, { trust }] as const));
  return { stage: await ClientStage.open(scene, trusts, Object.fromEntries(rows)), files };
}

/** Once something has changed: whoever resumes a session is refused for `reason`, and `good` is not. */
type Refused = (reason: string, good: Certified) => Promise<void>;

/** With each client a session begins, and is resumed once. */
async function begunWithServer(stage: ServerStage, tunnel: string, client: Certified): Promise<Refused> {
  const attempts = WAYS.map(({ by, version }) => {
    const options = { tunnel, client, version, keep: stage.scene.path(`session-${++number}`) };
    return () => stage.attempt(by, options);
  });
  for (const resumed of [false, true]) {
    const before = stage.server.sessions().length;
    expect(await Promise.all(attempts.map((attempt) => attempt()))).toEqual(attempts.map(() => WORD));
    await until("the records", () => stage.server.sessions().length >= before + attempts.length);
    const records = stage.server.sessions().slice(before);
    expect(records.map(({ tls }) => tls?.resumed)).toEqual(attempts.map(() => resumed));
  }
  return async (reason, good) => {
    const after = VERSIONS.map((version) => () => stage.attempt("runtime", { tunnel, client: good, version }));
    await expectRefusals({ ...stage.watched, bad: attempts, good: after, reason });
  };
}

/** The same with servers, but for `openssl s_server`: it sends nothing back, and a session must be seen to work. */
async function begunByClient(stage: ClientStage, trust: string, server: Certified): Promise<Refused> {
  const { scene, python } = stage;
  const credential = stage.credential(server);
  const servers = await Promise.all(
    VERSIONS.flatMap((version) => [
      pythonServer(python, credential, version),
      runtimeServer(scene, credential, version),
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
  return async (reason, good) => {
    const after = await Promise.all(VERSIONS.map((version) => runtimeServer(scene, stage.credential(good), version)));
    for (const attempt of attempts)
      await expectRefusals({
        ...stage.watched([...servers, ...after]),
        bad: [attempt],
        good: stage.attempts(`${trust} 0`, after),
        reason,
      });
  };
}
