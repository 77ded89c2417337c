/** apt-get update and download, by the forward proxy and by SOCKS, from a repository that only the proxy can resolve. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { aptGet, debianRoute, PACKAGE } from "../../support/debian.ts";
import { openNames } from "../../support/names.ts";
import { scenario } from "../../support/scenario.ts";
import { digest, openWeb, type Web } from "../../support/web.ts";

const HOST = "debian.e2e.example";

scenario(import.meta.file, ["apt-get", "dpkg-deb"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene, await debianRoute(scene));
    const names = await openNames(scene, { [HOST]: ["127.0.0.1"] });
    proxy = await portail.socks({ policy: allowLocal(web.port), args: ["--resolver", names.address] });
  });

  for (const [way, protocol] of [
    ["http", "http"],
    ["socks5h", "socks5"],
  ]) {
    test(`${way}: the package index and a package`, async () => {
      proxy.forget();
      const apt = (...args: string[]) =>
        aptGet(scene, `apt-${way}`, `http://${HOST}:${web.port}/debian/`, proxy.url(way!), args);
      expect(await apt("update")).toMatchObject({ status: 0 });
      expect(await apt("download", PACKAGE)).toMatchObject({ status: 0 });
      const name = `${PACKAGE}_1.0_all.deb`;
      const [downloaded, built] = [scene.path(`apt-${way}/down/${name}`), scene.path("tiny.deb")];
      expect(digest(await Bun.file(downloaded).bytes())).toBe(digest(await Bun.file(built).bytes()));
      const decision = await proxy.decision(`${HOST}:${web.port}`);
      expect(decision).toMatchObject({ protocol, decision: "allow", policy: "local" });
    });
  }

  test("a repository that no policy allows", async () => {
    const apt = (...args: string[]) =>
      aptGet(scene, "apt-closed", "http://127.0.0.1:1/debian/", proxy.url("http"), args);
    const { status, stdout, stderr } = await apt("--error-on=any", "update");
    expect(status).not.toBe(0);
    expect(stdout + stderr).toMatch(/403\s+Forbidden/);
    expect(await proxy.decision("127.0.0.1:1")).toMatchObject({ decision: "deny", policy: null });
  });
});
