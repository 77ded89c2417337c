/** `portail acl lint` as a person and a CI use it: findings, repair, a shared policy with and without guards. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { scenario } from "../../support/scenario.ts";

const UNSURE = `# Who may go where
set internal = [10.0.0.0/8, 10.20.0.0/16] # offices
policy corp { when host =~ "corp\\.test$" and dest.ip in internal action allow }
policy corp_again { when host =~ "corp\\.test$" and dest.ip in internal action allow }
`;

scenario(import.meta.file, [], ({ scene, portail }) => {
  test("weakness 6.2.3: what can be repaired is repaired in place, the rest is told, and the build fails", async () => {
    const file = scene.write("p.acl", UNSURE);
    const before = await portail.run(["acl", "lint", "p.acl"]);
    expect(before.status).toBe(1);
    expect(before.stderr).toBe("");
    expect(before.stdout.match(/\[[a-z-]+\]$/gm)).toEqual([
      "[redundant-entry]",
      "[unanchored-pattern]",
      "[duplicate-policy]",
      "[unanchored-pattern]",
    ]);
    const after = await portail.run(["acl", "lint", "--fix", "p.acl"]);
    expect(readFileSync(file, "utf8")).toBe(`# Who may go where
set internal = [10.0.0.0/8] # offices
policy corp { when host =~ "corp\\.test$" and dest.ip in internal action allow }
`);
    expect(after.status).toBe(1);
    expect(after.stderr).toBe('portail acl lint: 2 findings fixed in "p.acl"\n');
    expect(after.stdout).toContain("p.acl:3:20: warning: ");
    expect(after.stdout).toContain("also matches evilcorp.test");
    expect(after.stdout).toContain("docs/acl/lint/unanchored-pattern.md");
    expect(after.stdout).toEndWith("\n1 warning\n");
  });

  test("weakness 6.2.4: a require that a later policy makes vain, and policies that nothing reaches", async () => {
    scene.write(
      "holes.acl",
      `policy pay { when host == "pay.corp.test" require client.auth == "tls" action allow }
policy corp { when host under "corp.test" action allow }
policy wiki { when host == "wiki.corp.test" action deny }
policy rest { action deny }
policy never { when port == 22 action allow }
`,
    );
    const { status, stdout } = await portail.run(["acl", "lint", "holes.acl"]);
    expect(status).toBe(1);
    const found = Array.from(stdout.matchAll(/^holes\.acl:(\d+):\d+: .* \[([a-z-]+)\]$/gm), ([, line, rule]) => [
      line,
      rule,
    ]);
    expect(found).toEqual([
      ["1", "require-fall-through"],
      ["3", "deny-after-allow"],
      ["5", "unreachable-policy"],
    ]);
  });

  test("a policy for two commands: without guards lint says why it would deny, with them it is clean", async () => {
    const shared = (socks: string, s3crypt: string) =>
      `policy web { when ${socks}port == 443 action allow }\npolicy up { when ${s3crypt}s3.operation == "PutObject" action allow }\n`;
    scene.write("bare.acl", shared("", ""));
    scene.write("guarded.acl", shared('command == "socks" and ', 'command == "s3crypt" and '));
    const bare = await portail.run(["acl", "lint", "bare.acl"]);
    expect(bare.status).toBe(1);
    expect(bare.stdout).toContain('under "s3crypt" there is no fact "port": every request that comes here is denied');
    expect(await portail.run(["acl", "lint", "guarded.acl"])).toEqual({ status: 0, stdout: "", stderr: "" });
    // As lint says: an upload is denied for want of a port, and let in where the guard is.
    const facts = ["command=s3crypt", "s3.operation=PutObject"];
    expect((await portail.run(["acl", "explain", "bare.acl", ...facts, "--exit-status"])).status).toBe(1);
    expect((await portail.run(["acl", "explain", "guarded.acl", ...facts, "--exit-status"])).status).toBe(0);
  });

  test("annotations and SARIF on standard output, and nothing else there", async () => {
    const github = await portail.run(["acl", "lint", "--format", "github", "p.acl", "--fail-on", "never"]);
    expect(github.stdout).toMatch(/^::warning file=p\.acl,line=3,/);
    expect(github.status).toBe(0);
    const sarif = await portail.run(["acl", "lint", "--format", "sarif", "p.acl"]);
    expect(JSON.parse(sarif.stdout).runs[0].results[0].ruleId).toBe("unanchored-pattern");
    expect(sarif.stderr).toBe("");
  });
});
