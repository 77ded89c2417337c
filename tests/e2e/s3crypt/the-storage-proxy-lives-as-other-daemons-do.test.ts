/** Sockets of the service manager, readiness, status and metrics, PROXY headers, limits; and many clients at once. */
import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { curlAnswer } from "../../support/curl-answer.ts";
import { Dav } from "../../support/dav.ts";
import { freePort } from "../../support/free-port.ts";
import { PATH, run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { keyringOf } from "../../support/s3crypt-tool.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { until } from "../../support/until.ts";
import { content } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "nginx", "systemd-socket-activate", "mkfifo"], ({ scene, portail }) => {
  let dav: Dav;

  test("a socket of the service manager is served", async () => {
    dav = await Dav.open(scene);
    const port = freePort();
    const { DS_KEYRING = "", DS_PASSWORD = "" } = keyringOf(scene);
    const words = ["s3crypt", "serve", "--listen", "systemd:storage", "--keyring-file", DS_KEYRING, "--audit", "-"];
    const command = [...portail.command, ...words, "--upstream-url", `http://127.0.0.1:${dav.port}/`];
    const env = [`PATH=${PATH}`, "HOME=/nonexistent", `DS_PASSWORD=${DS_PASSWORD}`].map((each) => `--setenv=${each}`);
    const manager = ["systemd-socket-activate", "--listen", `127.0.0.1:${port}`, "--fdname=storage", ...env];
    const daemon = start(scene, [...manager, ...command]);
    await daemon.output("stderr", /Listening on/);
    expect((await curl([`http://127.0.0.1:${port}/ping`])).stdout).toBe("{}");
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
    expect(auditLines(daemon.stdout).map(({ event }) => event)).toEqual(["start", "drain", "stop"]);
  });

  test("a password of a named pipe is read once, and good for reloads", async () => {
    const { DS_KEYRING = "", DS_PASSWORD = "" } = keyringOf(scene);
    await run(["mkfifo", scene.path("pipe")]);
    const words = ["--listen", "127.0.0.1:0", "--upstream-url", `http://127.0.0.1:${dav.port}/`];
    const keys = ["--keyring-file", DS_KEYRING, "--password-file", scene.path("pipe")];
    const daemon = portail.start(["s3crypt", "serve", ...words, ...keys]);
    await run(["sh", "-c", 'printf %s "$1" > "$2"', "sh", DS_PASSWORD, scene.path("pipe")]);
    await daemon.output("stderr", /listening on/);
    daemon.signal("SIGHUP");
    await daemon.output("stderr", /reloaded keys=2/);
  });

  describe("with a UNIX socket and a status listener", () => {
    let proxy: StorageProxy;
    const socket = () => scene.path("s");
    const status = async (path: string) =>
      (await curl(["--unix-socket", scene.path("status"), `http://a${path}`])).stdout;

    test("it says how it is", async () => {
      proxy = await StorageProxy.open(scene, portail, {
        upstream: `http://127.0.0.1:${dav.port}/`,
        listen: `unix:${socket()}`,
        args: ["--status", `unix:${scene.path("status")}`, "--listen", "127.0.0.1:0"],
      });
      const file = scene.write("file", "hello");
      const put = await curl(["--unix-socket", socket(), "-T", file, "http://a/upstream/o"]);
      expect(put.status).toBe(0);
      expect((await curl(["--unix-socket", socket(), "http://a/upstream/o"])).stdout).toBe("hello");
      expect(JSON.parse(await status("/_status"))).toMatchObject({ ok: true, message: "listening" });
      const metrics = await status("/metrics");
      for (const line of [
        'portail_requests_total{operation="PutObject",outcome="done"} 1',
        'portail_requests_total{operation="GetObject",outcome="done"} 1',
        'portail_objects_read_total{format="ds2"} 1',
        'portail_plaintext_bytes_total{direction="encrypted"} 5',
        'portail_plaintext_bytes_total{direction="decrypted"} 5',
        "portail_objects_unproven_total 0",
        "portail_keyring_keys 2",
      ]) {
        expect(metrics).toContain(`${line}\n`);
      }
      expect((await proxy.trail.record("object")).client).toBe("unix:");
    });

    test("its page shows what is asked for, without the query that may hold a signature", async () => {
      const page = async () => (await curl(["--unix-socket", scene.path("status"), "http://localhost/"])).stdout;
      expect(await page()).toMatch(/>GetObject<\/bdi>/);
      const slow = connect(socket());
      slow.write("PUT /upstream/slow?X-Amz-Signature=secret HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
      await until("the request", async () => (await page()).includes("<bdi>/upstream/slow</bdi>"));
      expect(await page()).not.toContain("secret");
      slow.destroy();
      await until("its end", async () => !(await page()).includes("slow"));
    });
  });

  test("many uploads and downloads at once do not mix", async () => {
    const proxy = await StorageProxy.open(scene, portail, { upstream: `http://127.0.0.1:${dav.port}/` });
    const one = async (i: number) => {
      const bytes = content(100_000 + 7919 * i);
      const file = scene.write(`many-${i}`, bytes);
      const url = proxy.url(`/upstream/many/${i}`);
      const put = await curl(["-T", file, "-w", "%{http_code}", url]);
      const out = scene.path(`many-out-${i}`);
      await curl(["-o", out, url]);
      return [put.stdout, Buffer.from(await Bun.file(out).bytes()).equals(bytes)];
    };
    const all = await Promise.all(Array.from({ length: 30 }, (_, i) => one(i)));
    expect(all).toEqual(Array.from({ length: 30 }, () => ["201", true]));
  });

  test("a PROXY header of whom it may come from is believed, and its client counts no place of another", async () => {
    const proxy = await StorageProxy.open(scene, portail, {
      upstream: `http://127.0.0.1:${dav.port}/`,
      args: ["--accept-proxy-from", "127.0.0.0/8", "--max-conns-per-client", "1"],
    });
    dav.write("plain", Buffer.from("hello"));
    for (let i = 0; i < 3; i++) {
      const { body } = await curlAnswer(scene, proxy.url("/upstream/plain"), ["--haproxy-protocol"]);
      expect(body.toString()).toBe("hello");
    }
    expect((await proxy.trail.record("object")).client).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await curlAnswer(scene, proxy.url("/upstream/plain"))).exit).not.toBe(0);
    expect((await proxy.trail.record("reject")).reason).toBe("proxy_header_missing");
  });
});
