/** `portail audit` on the audit of a running `portail socks`: as it comes, over a rotation, and in the end as sums that jq reads. */
import { renameSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "jq"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    proxy = await portail.socks({ policy: allowLocal(web.port) });
  });

  const get = (port: number) => curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${port}/hello`]);

  test("denials are followed while they happen, also in the file that takes the place of the first", async () => {
    const follow = portail.start(["audit", "-f", "--decision", "deny", "--format", "json", proxy.auditFile]);
    const targets = () => auditLines(follow.stdout).map((line) => "target" in line && line.target);
    await get(web.port);
    await get(7);
    await until("the first denial", () => targets().length === 1);
    renameSync(proxy.auditFile, `${proxy.auditFile}.1`);
    await get(8);
    proxy.program.signal("SIGHUP");
    await proxy.record("reload");
    await get(9);
    await until("all denials", () => targets().length === 3);
    follow.signal("SIGTERM");
    expect(await follow.ended).toBe(0);
    expect(targets()).toEqual(["127.0.0.1:7", "127.0.0.1:8", "127.0.0.1:9"]);
  });

  test("the sums of both files", async () => {
    const files = [`${proxy.auditFile}.1`, proxy.auditFile];
    const { status, stdout } = await portail.run(["audit", "--summary", "--format", "json", ...files]);
    expect(status).toBe(0);
    const filter = "[.broken, (.denied | map(.count) | add), (.talkers | length), (.decisions[0] | .name)]";
    expect(JSON.parse((await run(["jq", "-c", filter], { stdin: stdout })).stdout)).toEqual([0, 3, 1, "deny"]);
  });
});
