/** `--listen systemd:A --status systemd:B` under systemd-socket-activate, which opens both sockets and starts us for the first client. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { countingTarget } from "../../support/counting-target.ts";
import { curl } from "../../support/curl.ts";
import { authority, save } from "../../support/pki.ts";
import { PATH, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { tlsClients } from "../../support/tls-clients.ts";
import { PythonTls } from "../../support/python-tls.ts";
import { freePort } from "../../support/free-port.ts";

scenario(import.meta.file, ["systemd-socket-activate", "curl", "openssl", "python3"], ({ scene, portail }) => {
  const ca = authority();
  const identity = () => {
    const cacert = scene.write("ca.pem", ca.cert);
    return {
      cacert,
      flags: ["--keystore", save(scene, "server", ca.issue()).keystore, "--cacert", cacert, "--allow-all"],
    };
  };
  /** The daemon to be, with the sockets in that order and under these names. */
  const activate = async (sockets: readonly string[], names: string, target: string, status = "systemd:status") => {
    const { flags } = identity();
    const tunnel = ["tunnel", "server", "--listen", "systemd:in", "--status", status, "--target", target, ...flags];
    const listen = sockets.flatMap((socket) => ["--listen", socket]);
    const manager = ["systemd-socket-activate", ...listen, `--fdname=${names}`, `--setenv=PATH=${PATH}`];
    const daemon = start(scene, [...manager, ...portail.command, ...tunnel]);
    for (const socket of sockets) await daemon.output("stderr", new RegExp(`Listening on ${socket} `));
    return daemon;
  };

  test.each(["in:status", "status:in"])("as %s: one is the tunnel, the other its status over HTTPS", async (names) => {
    const target = await countingTarget(scene);
    const ports = { in: freePort(), status: freePort() };
    const order = names.split(":") as (keyof typeof ports)[];
    const daemon = await activate(
      order.map((name) => `127.0.0.1:${ports[name]}`),
      names,
      target.text,
    );
    const credential = save(scene, "client", ca.issue({ cn: "ann" }));
    const { openssl } = tlsClients(new PythonTls(scene));
    for (const send of ["who woke it", "who comes after"])
      expect(await openssl({ port: ports.in, version: "TLSv1.3", credential, send })).toBe(send);
    const { cacert } = identity();
    const page = await curl(["--cacert", cacert, `https://localhost:${ports.status}/_status`]);
    expect(JSON.parse(page.stdout)).toMatchObject({
      ok: true,
      listen_address: `127.0.0.1:${ports.in}`,
      message: "listening",
    });
    expect(target.bytes).toBe("who woke it".length + "who comes after".length);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
  });

  test("paths of UNIX sockets stay where they are at the end: they are not ours", async () => {
    const target = await countingTarget(scene);
    const sockets = [scene.path("in.socket"), scene.path("status.socket")];
    const daemon = await activate(sockets, "in:status", target.text);
    const { cacert } = identity();
    const page = await curl(["--unix-socket", sockets[1]!, "--cacert", cacert, "https://localhost/_status"]);
    expect(JSON.parse(page.stdout)).toMatchObject({ ok: true, listen_address: `unix:${sockets[0]}` });
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
    expect(sockets.map((path) => existsSync(path))).toEqual([true, true]);
  });

  test("a name that no socket has ends the start, whichever it is", async () => {
    const port = freePort();
    const daemon = await activate([`127.0.0.1:${port}`], "in", "127.0.0.1:1");
    await curl([`http://127.0.0.1:${port}/`]);
    expect(await daemon.ended).toBe(78);
    expect(daemon.stderr).toMatch(/no inherited socket is named "status": it passed in \[systemd\.no_socket\]/);
  });
});
