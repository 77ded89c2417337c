/** The example in examples/acl passes whole, is seen whole, and a mistake in it is found by name. */
import { expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT } from "../../support/portail.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, [], ({ scene, portail }) => {
  const example = resolve(ROOT, "examples/acl");
  const files = ["company.acl", "company-cases.toml"];

  test("weakness 6.4.12: 30 policies, 100 cases, all passed, all covered", async () => {
    const args = ["acl", "test", ...files, "--format", "json", "--min-coverage", "100", "--coverage"];
    const { status, stdout, stderr } = await portail.run(args, { cwd: example });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { passed, coverage } = JSON.parse(stdout) as { passed: number; coverage: { blocks: { kind: string }[] } };
    expect(passed).toBe(100);
    expect(coverage.blocks.filter(({ kind }) => kind === "policy")).toHaveLength(30);
  });

  test("a policy that lets too much in fails the cases that say so", async () => {
    const folder = scene.path("copy");
    cpSync(example, folder, { recursive: true });
    const file = `${folder}/company/database.acl`;
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace('require "analysts" in user.groups and client.ip in offices', ""));
    const { status, stdout } = await portail.run(["acl", "test", ...files], { cwd: folder });
    expect(status).toBe(1);
    expect(stdout).toContain("FAIL replicas: not from outside (company/database.acl:");
    expect(stdout).toContain("  expected  deny by db_closed\n  got       allow by db_replica\n");
    expect(stdout).toEndWith("100 cases, 98 passed, 2 failed\n");
  });
});
