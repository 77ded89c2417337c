/** `/local/encrypt/` in a folder with links and named pipes in it, and in one that may not be written to: refused, and the proxy goes on. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { curlAnswer } from "../../support/curl-answer.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";

scenario(import.meta.file, ["curl", "unshare"], ({ scene, portail }) => {
  const local = scene.mkdir("local");
  const upstream = "http://127.0.0.1:1/";
  const args = ["--local-encryption-directory", local];
  const ask = (proxy: StorageProxy, path: string, ...more: string[]) => curlAnswer(scene, proxy.url(path), more);

  test("a link leads nowhere, and a named pipe keeps nobody waiting", async () => {
    const proxy = await StorageProxy.open(scene, portail, { upstream, args });
    scene.write("outside", "not for you");
    symlinkSync(scene.path("outside"), scene.path("local/link"));
    await run(["mkfifo", "local/pipe"], { cwd: scene.folder });
    for (const name of ["link", "pipe"]) {
      expect([name, (await ask(proxy, `/local/encrypt/${name}`)).status]).toEqual([name, 404]);
      const put = await ask(proxy, `/local/encrypt/${name}`, "-T", scene.write("file", "x"));
      expect([name, put.status]).toEqual([name, 400]);
    }
    expect(readFileSync(scene.path("outside"), "utf8")).toBe("not for you");
    expect((await ask(proxy, "/ping")).status).toBe(200);
    const line = await proxy.trail.record("object", ({ path }) => path === "/local/encrypt/pipe");
    expect(line).toMatchObject({ operation: "LocalEncrypt", status: 404 });
  });

  test("a file that cannot be removed is not handed out whole, and the proxy goes on", async () => {
    scene.write("local/stays", "x".repeat(1000));
    const namespace = ["unshare", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--mount"];
    const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
    const prefix = [...namespace, "sh", "-c", script, local];
    const proxy = await StorageProxy.open(scene, portail, { upstream, args, prefix });
    const handed = await run(["curl", "-s", proxy.url("/local/encrypt/stays")]);
    expect([handed.status, handed.stdout]).not.toEqual([0, "x".repeat(1000)]);
    expect((await ask(proxy, "/local/encrypt/new", "-T", scene.write("file", "x"))).status).toBe(500);
    expect((await ask(proxy, "/ping")).status).toBe(200);
    expect(existsSync(scene.path("local/stays"))).toBe(true);
  });
});
