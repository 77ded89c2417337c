/** `--audit -`: standard output is JSON Lines and nothing else, also down a pipe, and a reader that leaves stops nobody. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "sh", "head"], ({ scene, portail }) => {
  test("a line for each decision and each end, from the start to the stop", async () => {
    const web = openWeb(scene);
    const proxy = await portail.socks({ policy: allowLocal(web.port), audit: "-", args: ["--debug"] });
    const get = (way: string, port: number, ...args: string[]) =>
      curl(["--proxy", proxy.url(way), ...args, `http://127.0.0.1:${port}/hello`]);
    await get("socks5h", web.port);
    await proxy.program.output("stdout", /"event":"close"/);
    await get("http", web.port, "--proxytunnel");
    await proxy.program.output("stdout", /"event":"close"[^]*"event":"close"/);
    await get("http", 1);
    expect(await proxy.stop()).toBe(0);
    const { stdout, stderr } = proxy.program;
    expect(stdout).toEndWith("\n");
    const lines = auditLines(stdout);
    expect(lines.map(({ event }) => event)).toEqual([
      "start",
      "decision",
      "close",
      "decision",
      "close",
      "decision",
      "drain",
      "stop",
    ]);
    for (const line of lines) {
      expect(line).toMatchObject({ v: 1, command: "socks" });
      expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    expect(stderr).toContain("listening on");
    expect(stderr).not.toContain('{"v":1');
  });

  test("weakness 6.2.14, log loss: a reader that leaves costs lines, which is said, and no connection", async () => {
    const web = openWeb(scene);
    const acl = scene.write("pipe.acl", allowLocal(web.port));
    const line = [...portail.command, "socks", "--listen", "127.0.0.1:0", "--acl", acl, "--audit", "-"];
    // A pipe as a shell makes it; the inner shell becomes the proxy, and tells its id.
    const script = `sh -c 'echo $$ >&2; exec "$@"' sh "$@" | head -n 1`;
    const shell = start(scene, ["sh", "-c", script, "sh", ...line]);
    const pid = Number((await shell.output("stderr", /^(\d+)\n/))[1]);
    scene.defer(() => shell.running && process.kill(pid, "SIGKILL"));
    const [, port] = await shell.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    const get = () => curl(["--proxy", `socks5h://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/hello`]);
    await until("the loss to be told", async () => {
      expect(await get()).toMatchObject({ status: 0, stdout: "hello from the web\n" });
      return /error audit lines are lost: cannot write to -: EPIPE/.test(shell.stderr);
    });
    expect(auditLines(shell.stdout).map(({ event }) => event)).toEqual(["start"]);
    process.kill(pid, "SIGTERM");
    expect(await shell.ended).toBe(0);
  });
});
