/** Handshakes by the thousand with a key in SoftHSM, and reloads among them: none fails, and nothing is left of them. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:tls";
import { Collector } from "../../support/collector.ts";
import { countingTarget } from "../../support/counting-target.ts";
import { needing } from "../../support/needs.ts";
import { authority } from "../../support/pki.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { Scene } from "../../support/scene.ts";
import { PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

const LONG = process.env["PORTAIL_LONG"] === "1";
const HANDSHAKES = LONG ? 10_000 : 400;
const RELOADS = LONG ? 500 : 10;
const AT_ONCE = 16;
/** Handshakes after which memory is taken for what it will be. */
const WARM = 1000;
/** Of what is held then, once garbage is collected: without that it swings by more, with keys in memory too. */
const GROWTH = 1.1;

setDefaultTimeout(1_800_000);

const ca = authority();
const me = ca.issue({ cn: "me" });

needing("a tunnel whose key is in a token", SOFTHSM, () => {
  const scene = new Scene();
  const collector = new Collector(scene);
  let tunnel: RunningTunnel;
  beforeAll(async () => {
    const hsm = new SoftHsm(scene);
    hsm.put(ca.issue(), "key", "01");
    const pin = scene.write("pin", `${PIN}\n`, 0o600);
    const target = await countingTarget(scene);
    const args = ["--keystore", hsm.uri("object=key", `pin-source=file:${pin}`), "--quiet", "conns"];
    const trust = ["--cacert", scene.write("ca.pem", ca.cert), "--allow-all"];
    const portail = new Portail(FORMS[1]!, scene);
    tunnel = await portail.tunnel({
      side: "server",
      target: target.text,
      args: [...args, ...trust],
      env: { ...hsm.env, ...collector.env },
    });
    await collector.connect();
  });
  afterAll(() => {
    collector.close();
    return scene.close();
  });

  const once = (): Promise<boolean> => {
    const socket = connect({ port: tunnel.port, host: "127.0.0.1", servername: "localhost", ca: ca.cert, ...me });
    return new Promise((resolve) => {
      socket.on("secureConnect", () => socket.write("x"));
      socket.on("data", () => {
        resolve(true);
        socket.destroy();
      });
      socket.on("error", () => {}).on("close", () => resolve(false));
    });
  };
  /** How many of so many failed. */
  const many = async (count: number) => {
    let [begun, failed] = [0, 0];
    const lane = async () => {
      while (begun++ < count) if (!(await once())) failed++;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return failed;
  };
  /** Bytes that are held. Of few handshakes it says nothing, and takes its time. */
  const resident = () => (LONG ? collector.settled(() => tunnel.resident()) : tunnel.resident());
  const descriptors = () => readdirSync(`/proc/${tunnel.program.pid}/fd`).length;
  const helper = () => readFileSync(`/proc/${tunnel.program.pid}/task/${tunnel.program.pid}/children`, "utf8").trim();

  test("handshakes leave nothing behind", async () => {
    const [process, sockets] = [helper(), tunnel.sockets()];
    expect(await many(Math.min(WARM, HANDSHAKES))).toBe(0);
    await until("the sockets to be closed", () => tunnel.sockets() === sockets);
    const [memory, files] = [await resident(), descriptors()];
    expect(await many(HANDSHAKES)).toBe(0);
    await until("the sockets to be closed again", () => tunnel.sockets() === sockets);
    expect([helper(), descriptors()]).toEqual([process, files]);
    if (LONG) expect((await resident()) / memory).toBeLessThan(GROWTH);
  });

  test("reloads among handshakes fail none of them", async () => {
    const process = helper();
    const load = { over: false };
    const lanes = Array.from({ length: 4 }, async () => {
      const outcomes: boolean[] = [];
      while (!load.over) outcomes.push(await once());
      return outcomes;
    });
    for (let i = 0; i < RELOADS; i++) expect((await tunnel.reload()).outcome).toBe("done");
    load.over = true;
    const outcomes = (await Promise.all(lanes)).flat();
    expect(outcomes.length).toBeGreaterThan(RELOADS);
    expect(outcomes.filter((served) => !served)).toEqual([]);
    expect(helper()).toBe(process);
  });
});
