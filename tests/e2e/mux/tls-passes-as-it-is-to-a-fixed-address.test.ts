/** TLS that passes as it is, from curl to nginx by a fixed address: whole, recorded, led elsewhere by a reload, and ended in order. */
import { expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { Nginx } from "../../support/nginx.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { content, digest, openWeb } from "../../support/web.ts";

class Front extends Nginx {}

const SIZE = 8 * 1024 * 1024 + 1;

scenario(import.meta.file, ["curl", "nginx", "openssl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const own = save(scene, "own", ca.issue({ san: ["DNS:passed.example"] }));

  test("there, elsewhere, and until SIGTERM", async () => {
    const fronts = [openWeb(scene), openWeb(scene)].map((web) => {
      const pass = `proxy_pass http://127.0.0.1:${web.port}; proxy_http_version 1.1; proxy_buffering off;`;
      return { web, tls: new Front(scene, { tls: own, http: "access_log off;", server: `location / { ${pass} }` }) };
    });
    await Promise.all(fronts.map(({ tls }) => tls.begin()));
    const routes = (i: number) => ({
      routes: [{ name: "passed", "server-name": "passed.example", target: `127.0.0.1:${fronts[i]!.tls.port}` }],
    });
    const mux = await RunningMux.open(scene, portail, routes(0));
    const to = ["--cacert", cacert, "--connect-to", `passed.example:443:127.0.0.1:${mux.port}`];
    const get = async (path: string) => {
      const file = scene.path(`got-${path.replaceAll("/", "-")}`);
      const { status, stderr } = await curl([...to, "--output", file, `https://passed.example/${path}/${SIZE}`]);
      expect([status, stderr]).toEqual([0, ""]);
      return digest(await Bun.file(file).bytes());
    };
    expect(await get("bytes")).toBe(digest(content(SIZE)));
    const record = await mux.session();
    expect(record).toMatchObject({ decision: "allow", route: "passed", hello: { serverName: "passed.example" } });
    expect(record.received).toBeGreaterThan(SIZE);
    expect(await mux.reload(routes(1))).toMatchObject({ outcome: "done" });
    expect(await get("bytes")).toBe(digest(content(SIZE)));
    expect(fronts.map(({ web }) => web.requests.length)).toEqual([1, 1]);
    const wrong = await curl(["--connect-to", `other.example:443:127.0.0.1:${mux.port}`, "https://other.example/"]);
    expect([wrong.status, wrong.stderr]).toEqual([35, expect.stringContaining("unrecognized name")]);
    expect(await mux.stop()).toBe(0);
  });
});
