/** The file that the page of the command shows: it is checked, and each program is led as the page says. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../support/portail.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";

const PAGE = readFileSync(join(ROOT, "commands/mux/README.md"), "utf8");

scenario(
  import.meta.file,
  ["openssl"],
  ({ scene, portail }) => {
    const [, toml] = /```toml\n(.*?)```/s.exec(PAGE)!;
    const config = scene.write("mux.toml", toml!);
    const ca = authority();
    scene.write("people-ca.pem", ca.cert);
    const server = save(scene, "own", ca.issue({ san: ["DNS:intranet.example.com"] }));
    scene.write("server.pem", readFileSync(server.cert));
    scene.write("server.key", readFileSync(server.key), 0o600);

    const mux = (...args: string[]) => portail.run(["mux", ...args, "--config", config]);

    test("it is checked", async () => {
      expect(await mux("check")).toMatchObject({ status: 0, stderr: "" });
    });

    test.each([
      ["kubernetes", ["--server-name", "kube.example.com", "--alpn", "h2,http/1.1"]],
      ["kubernetes", ["--server-name", "one.kube.example.com"]],
      ["intranet", ["--server-name", "intranet.example.com", "--alpn", "h2,http/1.1"]],
      ["database", ["--server-name", "db.example.com", "--alpn", "postgresql"]],
      ["mysql", ["--server-name", "mysql.example.com", "--alpn", "mysql"]],
      ["cache", ["--server-name", "cache.example.com"]],
    ])("to %s by %j", async (route, asked) => {
      const { status, stdout } = await mux("explain", ...asked);
      expect([status, stdout]).toEqual([0, expect.stringContaining(`route ${route}\n`)]);
    });

    test("and who is not meant is refused", async () => {
      expect((await mux("explain", "--server-name", "mysql.example.com", "--alpn", "h2")).status).toBe(1);
    });
  },
  ["source"],
);
