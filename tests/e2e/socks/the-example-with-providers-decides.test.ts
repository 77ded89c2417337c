/** examples/acl/providers.acl: its cases pass, and with the configuration beside it the proxy decides as they say. */
import { resolve } from "node:path";
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { openNames } from "../../support/names.ts";
import { ROOT } from "../../support/portail.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const EXAMPLE = resolve(ROOT, "examples/acl");

scenario(import.meta.file, ["curl", "htpasswd", "jq"], ({ scene, portail }) => {
  test("its cases pass, and reach all of it", async () => {
    const args = ["acl", "test", "providers.acl", "--format", "json", "--min-coverage", "100", "--coverage"];
    const { status, stdout, stderr } = await portail.run(args, { cwd: EXAMPLE });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect((JSON.parse(stdout) as { passed: number }).passed).toBe(14);
  });

  let proxy: AccessProxy;
  beforeAll(async () => {
    // Addresses where nobody answers: what is decided is recorded before anything is dialled.
    const names = await openNames(scene, {
      "db1.ops.corp.example": ["10.255.255.1"],
      "ledger.corp.example": ["10.255.255.2"],
      "web.example": ["192.0.2.1"],
    });
    const hashes = ["ada", "grace", "linus"].map(
      async (user) => (await run(["htpasswd", "-nbB", "-C", "4", user, "pw"])).stdout,
    );
    const users = scene.write("users", (await Promise.all(hashes)).join(""), 0o600);
    // Its paths count from the folder of the example.
    const config = (await Bun.file(`${EXAMPLE}/providers/providers.toml`).text()).replaceAll(
      '"providers/',
      `"${EXAMPLE}/providers/`,
    );
    proxy = await portail.socks({
      policy: await Bun.file(`${EXAMPLE}/providers.acl`).text(),
      args: ["--config", scene.write("providers.toml", config), "--users", users].concat([
        "--resolver",
        names.address,
        "--connect-timeout",
        "100ms",
      ]),
    });
  });

  test.each([
    ["ada", "db1.ops.corp.example:22", "allow", "ops", undefined],
    ["grace", "db1.ops.corp.example:22", "deny", null, undefined],
    ["linus", "web.example:80", "deny", null, undefined],
    ["ada", "web.example:80", "allow", "web", undefined],
    ["grace", "ledger.corp.example:5432", "allow", "finance", undefined],
    ["linus", "ledger.corp.example:5432", "deny", "finance", "user.department"],
  ] as const)("%s to %s: %s", async (user, target, decision, policy, missing) => {
    proxy.forget();
    await curl(["--proxy", proxy.url("socks5h"), "--proxy-user", `${user}:pw`, `http://${target}/`]);
    const found = await proxy.decision(target);
    expect({ ...found, missing: found.missing }).toMatchObject({ user, decision, policy, missing });
  });
});
