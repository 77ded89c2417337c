/** `portail socks --audit - | portail acl replay new.acl`: real requests, and what the new policy would change of them. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { environment, run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { openWeb } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "bash"], ({ scene, portail }) => {
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");

  test("the pipe reports once the proxy has ended", async () => {
    const web = openWeb(scene);
    const port = freePort();
    const old = scene.write("old.acl", allowLocal(web.port));
    const fresh = scene.write("new.acl", allowLocal(1));
    const pidFile = scene.path("pid");
    const socks = quoted([...portail.command, "socks", "--listen", `127.0.0.1:${port}`, "--acl", old, "--audit", "-"]);
    const replay = quoted([...portail.command, "acl", "replay", fresh, "--fail-on-change"]);
    const log = scene.path("log");
    // The shell is the proxy by then: its process id is the one to stop.
    const script = `(echo "$BASHPID" >'${pidFile}'; exec ${socks} 2>'${log}') | ${replay}`;
    const pipe = Bun.spawn(["bash", "-c", script], {
      env: environment(),
      cwd: scene.folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    scene.defer(() => pipe.kill("SIGKILL"));
    await until("the proxy to listen", async () => /listening on/.test(await textOf(log)));
    const proxy = ["--proxy", `socks5h://127.0.0.1:${port}`];
    for (let i = 0; i < 3; i++)
      expect((await curl([...proxy, `http://127.0.0.1:${web.port}/hello`])).stdout).toBe("hello from the web\n");
    expect((await curl([...proxy, "http://127.0.0.1:1/"])).status).not.toBe(0);
    process.kill(Number(await textOf(pidFile)), "SIGTERM");
    const [stdout, stderr] = await Promise.all([pipe.stdout.text(), pipe.stderr.text()]);
    await pipe.exited;
    expect(stderr).toBe("");
    expect(pipe.exitCode).toBe(1);
    expect(stdout).toContain("4 decisions");
    expect(stdout).toContain("4 would change, 0 would not");
    expect(stdout).toMatch(
      new RegExp(`^allow by local -> deny by default: 3\\n +3 {2}127\\.0\\.0\\.1:${web.port}$`, "m"),
    );
    expect(stdout).toMatch(/^deny by default -> allow by local: 1\n +1 {2}127\.0\.0\.1:1$/m);
  });

  test("by the policy that decided nothing changes, and each line can be explained", async () => {
    const web = openWeb(scene);
    const proxy = await portail.socks({ policy: allowLocal(web.port) });
    await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]);
    await curl(["--proxy", proxy.url("http"), "http://127.0.0.1:1/"]);
    await curl(["--proxy", proxy.url("socks5h"), `http://localhost:${web.port}/hello`]);
    await proxy.decision("127.0.0.1:1");
    await proxy.decision(`localhost:${web.port}`);
    await proxy.stop();
    const replay = await portail.run(["acl", "replay", proxy.policyFile, proxy.auditFile]);
    expect(replay.status).toBe(0);
    expect(replay.stdout).toContain("0 would change, 3 would not (0 by another policy), 0 cannot be told");
    const audit = await Bun.file(proxy.auditFile).text();
    const args = ["acl", "explain", proxy.policyFile, "-", "--format", "json"];
    const explained = await portail.run(args, { stdin: audit });
    expect(explained.stderr).toBe("");
    const accounts = explained.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(accounts).toHaveLength(3);
    for (const { decision, recorded } of accounts) {
      expect([decision.outcome, decision.policy ?? null]).toEqual([recorded.decision, recorded.policy]);
    }
  });

  test("a reader that has seen enough ends it quietly", async () => {
    const fresh = scene.write("quiet.acl", allowLocal(1));
    const replay = quoted([...portail.command, "acl", "replay", fresh]);
    const { status, stdout, stderr } = await run(
      ["bash", "-c", `sleep 0.2 | ${replay} | true; echo "\${PIPESTATUS[1]}"`],
      {
        cwd: scene.folder,
      },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(["74\n", "0\n", "141\n"]).toContain(stdout);
  });
});

async function textOf(path: string): Promise<string> {
  const file = Bun.file(path);
  return (await file.exists()) ? file.text() : "";
}
