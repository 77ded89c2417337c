/** A tunnel server whose key is in SoftHSM: the session is lost, the module's process is killed, the token is emptied and filled again; it serves on, and says why where it cannot. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:tls";
import { beforeAll, expect, test } from "bun:test";
import { countingTarget } from "../../support/counting-target.ts";
import { authority } from "../../support/pki.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { MODULE, PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";
import { mannered } from "../../support/token-modules.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

const ca = authority();

function tell({ scene, portail }: Stage): void {
  const hsm = new SoftHsm(scene);
  const [first, second] = [ca.issue({ cn: "first" }), ca.issue({ cn: "second" })];
  const cacert = scene.write("ca.pem", ca.cert);
  const me = ca.issue({ cn: "me" });
  const [lost, logins] = [scene.path("lost"), scene.path("logins")];
  let tunnel: RunningTunnel;

  beforeAll(async () => {
    hsm.put(first, "key", "01");
    const pin = scene.write("pin", `${PIN}\n`, 0o600);
    const target = await countingTarget(scene);
    const module = mannered(scene, MODULE, { lost, logins });
    const key = `pkcs11:object=key;id=%01?module-path=${module}&pin-source=file:${pin}`;
    const args = ["--keystore", key, "--pkcs11-token-label", "portail test", "--cacert", cacert, "--allow-all"];
    tunnel = await portail.tunnel({ side: "server", target: target.text, args, env: hsm.env });
  });

  /** Whose certificate is seen, once a word came back; "" where the handshake fails. */
  const seen = (): Promise<string> => {
    const socket = connect({ port: tunnel.port, host: "127.0.0.1", ca: ca.cert, servername: "localhost", ...me });
    return new Promise((resolve) => {
      socket.on("secureConnect", () => socket.write("hello"));
      socket.on("data", () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on("error", () => {}).on("close", () => resolve(""));
    });
  };
  const loggedIn = () => readFileSync(logins, "utf8").length;
  const helper = () => Number(readFileSync(`/proc/${tunnel.program.pid}/task/${tunnel.program.pid}/children`, "utf8"));

  test("it serves, logged in once", async () => {
    expect([await seen(), await seen(), loggedIn()]).toEqual(["first", "first", 1]);
  });

  test("a session that is lost is opened anew, within the handshake", async () => {
    writeFileSync(lost, "");
    expect([await seen(), await seen(), loggedIn()]).toEqual(["first", "first", 2]);
  });

  test("a process that is killed is started anew, within the handshake", async () => {
    const before = helper();
    process.kill(before, "SIGKILL");
    expect([await seen(), await seen(), loggedIn()]).toEqual(["first", "first", 3]);
    expect(helper()).not.toBe(before);
  });

  test("a key that is gone fails handshakes with its reason, until it is there again", async () => {
    tunnel.audit.forget();
    const [slot] = /\d{4,}/.exec(hsm.run("softhsm2-util", "--show-slots"))!;
    hsm.tool("--slot", slot!, "--delete-object", "--type", "privkey", "--id", "01");
    writeFileSync(lost, "");
    expect(await seen()).toBe("");
    expect(await tunnel.session(({ reason }) => reason === "tls_unavailable")).toMatchObject({ decision: "deny" });
    const said = () => tunnel.log().find(({ reason }) => reason === "tls_unavailable");
    await until("its line of the log", () => said() !== undefined);
    expect(said()!.message).toContain("has no such key");
    expect(await tunnel.reload()).toMatchObject({ outcome: "kept" });
    hsm.put(first, "key", "01", { cert: false });
    expect(await seen()).toBe("first");
  });

  test("a reload takes up a new key and its certificate", async () => {
    for (const type of ["privkey", "pubkey", "cert"])
      hsm.tool("--token-label", "portail test", "--delete-object", "--type", type, "--id", "01");
    rmSync(lost, { force: true });
    hsm.put(second, "key", "01");
    expect(await tunnel.reload()).toMatchObject({ outcome: "done" });
    expect(await seen()).toBe("second");
  });

  test("the process ends with the tunnel", async () => {
    const pid = helper();
    expect(pid).toBeGreaterThan(0);
    expect(await tunnel.stop()).toBe(0);
    // Who has it as a child now may not have looked yet.
    const gone = () => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
    await until("the end of the module's process", gone);
  });
}

scenario(import.meta.file, [...SOFTHSM, "g++"], tell, ["binary"]);
