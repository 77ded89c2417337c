/** `--audit FILE`: its mode, rotation by rename and SIGHUP, a destination that cannot be opened, and a second start. */
import { chmodSync, renameSync, statSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    proxy = await portail.socks({ policy: allowLocal(web.port) });
  });

  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  const get = () => curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]);
  const events = async (path: string) => auditLines(await Bun.file(path).text()).map(({ event }) => event);

  const startAndStop = async (audit: string) => {
    const other = await portail.socks({ policy: allowLocal(1), audit });
    expect(await other.stop()).toBe(0);
  };

  test("it is for its owner only", async () => {
    expect((await get()).status).toBe(0);
    await proxy.record("close");
    expect(mode(proxy.auditFile)).toBe("600");
    expect(await events(proxy.auditFile)).toEqual(["start", "decision", "close"]);
  });

  test("weakness 6.2.14, no rotation: SIGHUP after a rotation writes on in a new file, and the old one keeps its lines", async () => {
    const old = `${proxy.auditFile}.1`;
    renameSync(proxy.auditFile, old);
    expect((await get()).status).toBe(0);
    await until("the lines of the old file", async () => (await events(old)).length === 5);
    proxy.program.signal("SIGHUP");
    await proxy.record("reload");
    expect((await get()).status).toBe(0);
    await proxy.record("close");
    expect(mode(proxy.auditFile)).toBe("600");
    expect(await events(old)).toEqual(["start", "decision", "close", "decision", "close"]);
    expect(await events(proxy.auditFile)).toEqual(["reload", "decision", "close"]);
  });

  test("SIGHUP when the file cannot be opened anew keeps the old one, and the service", async () => {
    const folder = scene.mkdir("rotated");
    const file = `${folder}/audit.jsonl`;
    const other = await portail.socks({ policy: allowLocal(web.port), audit: file });
    renameSync(folder, `${folder}.away`);
    other.program.signal("SIGHUP");
    await other.program.output("stderr", /error the reload failed.*audit\.cannot_open/);
    const way = ["--proxy", other.url("socks5h")];
    expect((await curl([...way, `http://127.0.0.1:${web.port}/hello`])).status).toBe(0);
    const moved = `${folder}.away/audit.jsonl`;
    await until("the end of the tunnel", async () => (await events(moved)).includes("close"));
    await other.stop();
    expect(await events(moved)).toEqual(["start", "reload", "decision", "close", "drain", "stop"]);
    expect(auditLines(await Bun.file(moved).text())[1]).toMatchObject({ outcome: "kept" });
  });

  test("a second start goes on where the first ended", async () => {
    const file = scene.write("again.jsonl", "", 0o600);
    for (const _ of [1, 2]) await startAndStop(file);
    expect(await events(file)).toEqual(["start", "drain", "stop", "start", "drain", "stop"]);
  });

  test("a destination that cannot be opened stops the start with status 73", async () => {
    for (const audit of [scene.path("no/such/folder/a.jsonl"), scene.mkdir("a-folder"), "fd:99"]) {
      const acl = scene.write("any.acl", allowLocal(1));
      const args = ["socks", "--listen", "127.0.0.1:0", "--acl", acl, "--audit", audit];
      const { status, stdout, stderr } = await portail.run(args);
      expect(status).toBe(73);
      expect(stdout).toBe("");
      expect(stderr).toContain("[audit.cannot_open]");
      expect(stderr).not.toContain("listening");
    }
  });

  test("a file that exists is not made more private than its owner made it", async () => {
    const file = scene.write("shared.jsonl", "", 0o640);
    chmodSync(file, 0o640);
    await startAndStop(file);
    expect(mode(file)).toBe("640");
    expect(await events(file)).toEqual(["start", "drain", "stop"]);
  });
});
