/** What the tests do where a program is missing: they pass and say so, but not in CI. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { environment, run } from "../support/program.ts";
import { ROOT } from "../support/portail.ts";
import { scenario } from "../support/scenario.ts";

const tell: Parameters<typeof scenario>[2] = ({ scene }) => {
  const support = JSON.stringify(resolve(ROOT, "tests/support/scenario.ts"));
  const text = `import { test } from "bun:test";
import { scenario } from ${support};
scenario("nobody-is-here.test.ts", ["sh", "no-such-program"], () => test("never", () => process.exit(9)));
test("something else", () => {});
`;
  const runTests = (env: Record<string, string>) => {
    const file = scene.write("nobody-is-here.test.ts", text);
    return run([process.execPath, "test", file], { cwd: scene.folder, env: { ...environment(), ...env } });
  };

  test("it passes and is written down", async () => {
    const list = scene.path("left-out.jsonl");
    expect(await runTests({ PORTAIL_LEFT_OUT: list })).toMatchObject({ status: 0 });
    expect(JSON.parse(await Bun.file(list).text())).toEqual({ scenario: "nobody is here", needs: ["no-such-program"] });
  });

  test("it fails in CI", async () => {
    const { status, stderr } = await runTests({ CI: "true" });
    expect(status).toBe(1);
    expect(stderr).toContain('"nobody is here" needs no-such-program');
  });
};

scenario(import.meta.file, [], tell, ["source"]);
