/** `portail acl fmt` as an editor, a commit hook and CI use it; its diff is what patch(1) takes. */
import { expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const UGLY =
  'set bad=["a.test","b.test"] # block list\npolicy  no_bad{when host   in bad action deny}\n\n\n\n// all else\npolicy web{when port in[80,443]action allow}\n';

scenario(import.meta.file, ["patch"], ({ scene, portail }) => {
  test("weakness 6.4.13: in place, keeping the mode, then nothing is left to change", async () => {
    const path = scene.write("w/p.acl", UGLY);
    chmodSync(path, 0o640);
    const cwd = scene.path("w");
    expect(await portail.run(["acl", "fmt", "--check", "p.acl"], { cwd })).toEqual({
      status: 1,
      stdout: "p.acl\n",
      stderr: "",
    });
    expect((await portail.run(["acl", "fmt", "--write", "p.acl"], { cwd })).status).toBe(0);
    const neat = readFileSync(path, "utf8");
    expect(neat).toContain("# block list");
    expect(neat).toContain("// all else");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(cwd)).toEqual(["p.acl"]);
    expect(await portail.run(["acl", "fmt", "--check", "p.acl"], { cwd })).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect((await portail.run(["acl", "fmt"], { stdin: UGLY })).stdout).toBe(neat);
  });

  test("the diff, given to patch, makes the formatted file", async () => {
    const path = scene.write("d/p.acl", UGLY);
    const cwd = scene.path("d");
    const { stdout: diff } = await portail.run(["acl", "fmt", "--diff", "p.acl"], { cwd });
    const patched = await run(["patch", "-p0", "p.acl"], { cwd, stdin: diff });
    expect([patched.status, patched.stderr]).toEqual([0, ""]);
    expect(await portail.run(["acl", "fmt", "--check", path])).toMatchObject({ status: 0 });
  });

  test("a broken file among good ones: a caret, status 65, and nothing is written", async () => {
    const good = scene.write("b/good.acl", UGLY);
    scene.write("b/bad.acl", "policy a {\n  when port = 1\n  action deny\n}\n");
    const args = ["acl", "fmt", "--write", "good.acl", "bad.acl"];
    const { status, stdout, stderr } = await portail.run(args, { cwd: scene.path("b") });
    expect([status, stdout]).toEqual([65, ""]);
    expect(stderr).toMatch(/^bad\.acl:2:13: error: [^]*\n {3}\| {13}\^/);
    expect(readFileSync(good, "utf8")).toBe(UGLY);
  });
});
