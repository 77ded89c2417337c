/** Health checks of targets: nginx behind PROXY headers and openssl's TLS server die and come back, and clients are spared it. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { startListening } from "../../support/listening.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { run, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const OFTEN = { health: "connect", "health-interval": "1s", "health-fall": "2", "health-rise": "2" };

scenario(
  import.meta.file,
  ["curl", "nginx", "openssl"],
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const own = save(scene, "own", ca.issue({ san: ["DNS:tls.example"] }));

    const page = async (port: number, path: string) =>
      (
        await run([
          "curl",
          "--silent",
          "--max-time",
          "20",
          "--cacert",
          cacert,
          "--connect-to",
          `tls.example:${port}:127.0.0.1:${port}`,
          `https://tls.example:${port}${path}`,
        ])
      ).stdout;
    const told = (mux: RunningMux, place: string, what: "down" | "up again") =>
      mux.program.output("stderr", new RegExp(`target ${place} of route \\S+ is ${what}(?:: (.*))?`));
    const end = async (program: Program) => {
      program.signal("SIGTERM");
      await program.ended;
    };

    test("the next one serves, nobody where there is none, and the first one when it is back", async () => {
      const [near, far, secured] = [freePort(), freePort(), freePort()];
      const openNginx = (name: string, port: number) => {
        const config = scene.write(
          `${name}.conf`,
          `daemon off; master_process off; pid ${scene.path(`${name}.pid`)}; error_log ${scene.path(`${name}.log`)} info;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:${port} proxy_protocol; return 200 "${name} $proxy_protocol_addr\\n"; }
}
`,
        );
        return startListening(scene, port, ["nginx", "-c", config, "-p", scene.folder]);
      };
      const openTls = (...more: string[]) => {
        const words = [
          "openssl",
          "s_server",
          "-accept",
          `127.0.0.1:${secured}`,
          "-cert",
          own.cert,
          "-key",
          own.key,
          "-www",
        ];
        return startListening(scene, secured, [...words, ...more]);
      };
      let nginx = await openNginx("near", near);
      await openNginx("far", far);
      let tls = await openTls();
      const status = freePort();
      const tables = {
        trusts: { them: { cacert } },
        routes: [
          {
            name: "web",
            "first-bytes": "http",
            target: [`127.0.0.1:${near}`, `127.0.0.1:${far}`],
            "proxy-protocol": true,
            ...OFTEN,
          },
          {
            name: "tls",
            "server-name": "tls.example",
            terminate: true,
            target: `127.0.0.1:${secured}`,
            "target-tls": true,
            "target-trust": "them",
            "target-server-name": "tls.example",
            ...OFTEN,
          },
        ],
      };
      const flags = ["--cert", own.cert, "--key", own.key, "--status", `https://127.0.0.1:${status}`];
      const mux = await RunningMux.open(scene, portail, tables, flags);
      const ask = async () => (await curl([`http://127.0.0.1:${mux.port}/hello`])).stdout;
      const places = async () => {
        const { ok, backend_ok, targets } = JSON.parse(await page(status, "/_status"));
        return { ok, backend_ok, up: targets.map((one: { up: boolean }) => one.up) };
      };
      expect(await ask()).toBe("near 127.0.0.1\n");
      expect(await places()).toEqual({ ok: true, backend_ok: true, up: [true, true, true] });

      await end(nginx);
      const [, why] = await told(mux, `127.0.0.1:${near}`, "down");
      expect(why).toContain("ECONNREFUSED");
      mux.audit.forget();
      expect(await ask()).toBe("far 127.0.0.1\n");
      expect(await mux.session()).toMatchObject({ target: `127.0.0.1:${far}`, decision: "allow" });
      expect(await places()).toEqual({ ok: true, backend_ok: true, up: [false, true, true] });
      expect(await page(status, "/metrics")).toContain(`portail_target_up{route="web",target="127.0.0.1:${near}"} 0\n`);

      // A server that accepts and is not who it should be is down as well.
      await end(tls);
      const stranger = save(scene, "stranger", authority("Stranger CA").issue({ san: ["DNS:tls.example"] }));
      tls = await openTls("-cert", stranger.cert, "-key", stranger.key);
      const [, reason] = await told(mux, `127.0.0.1:${secured}`, "down");
      expect(reason).toMatch(/no TLS: .*\(unknown_ca\)|ECONNREFUSED/);
      mux.audit.forget();
      await page(mux.port, "/");
      expect(await mux.session()).toMatchObject({ route: "tls", decision: "deny", reason: "targets_down" });
      expect(await places()).toEqual({ ok: true, backend_ok: false, up: [false, true, false] });

      // What was found stays found over a reload.
      expect(await mux.reload(tables)).toMatchObject({ outcome: "done" });
      expect(await places()).toEqual({ ok: true, backend_ok: false, up: [false, true, false] });

      nginx = await openNginx("near", near);
      await told(mux, `127.0.0.1:${near}`, "up again");
      expect(await ask()).toBe("near 127.0.0.1\n");
      await end(tls);
      tls = await openTls();
      await told(mux, `127.0.0.1:${secured}`, "up again");
      expect(await page(mux.port, "/")).toContain("s_server");
      expect(await places()).toEqual({ ok: true, backend_ok: true, up: [true, true, true] });
      expect(await mux.stop()).toBe(0);
      await end(nginx);
      await end(tls);
      // That of the test itself, which looks whether somebody listens, is the only one without a header.
      expect(readFileSync(scene.path("far.log"), "utf8").split("PROXY protocol").length - 1).toBeLessThan(2);
    }, 60_000);
  },
  ["source"],
);
