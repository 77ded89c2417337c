/** `--skip-resolve`: it starts, says that it is not well, and is well once the name resolves; without it there is no start. */
import { expect, test } from "bun:test";
import { countingTarget } from "../../support/counting-target.ts";
import { curl } from "../../support/curl.ts";
import { openNames } from "../../support/names.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

scenario(
  import.meta.file,
  ["openssl", "curl"],
  ({ scene, portail }) => {
    test("status 503 with the reason, then 200", async () => {
      const ca = authority();
      const cacert = scene.write("ca.pem", ca.cert);
      const { keystore } = save(scene, "own", ca.issue());
      const zone: Record<string, string[]> = {};
      const { address } = await openNames(scene, zone);
      const upstream = await countingTarget(scene, { ...ca.issue({ san: ["DNS:db.example"] }), ca: ca.cert });
      const target = `db.example:${upstream.port}`;
      const args = ["--keystore", keystore, "--cacert", cacert, "--resolver", address, "--status", "127.0.0.1:0"];

      const refused = await portail.run(["tunnel", "client", "--listen", "127.0.0.1:0", "--target", target, ...args]);
      expect(refused.status).toBe(69);
      expect(refused.stderr).toContain(`invalid target address "${target}": lookup db.example: no such host`);

      const tunnel = await portail.tunnel({ side: "client", target, args: [...args, "--skip-resolve"] });
      const [, port] = await tunnel.program.output("stderr", /"message":"status on [^"]*:(\d+)"/);
      const ask = async () => {
        const url = `https://localhost:${port}/_status`;
        const { stdout } = await curl(["--cacert", cacert, "--write-out", "%{http_code}", url]);
        return { code: stdout.slice(-3), status: JSON.parse(stdout.slice(0, -3)) as Record<string, unknown> };
      };
      const before = await ask();
      expect(before).toMatchObject({ code: "503", status: { ok: false, status: "critical", backend_ok: false } });
      expect(before.status["backend_error"]).toContain("no such host");

      zone["db.example"] = ["127.0.0.1"];
      await until("a status that is well", async () => (await ask()).code === "200");
      expect(await tunnel.stop()).toBe(0);
    });
  },
  ["source"],
);
