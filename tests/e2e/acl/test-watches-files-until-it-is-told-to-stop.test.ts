/** `acl test --watch` in a process of its own: saved files are run again, SIGINT ends it with the last status. */
import { expect, test } from "bun:test";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, [], ({ scene, portail }) => {
  test("red, green, broken, green", async () => {
    const policy = (action: string) =>
      scene.write("w.acl", `policy a { action ${action} } test "t" { given { command = "tunnel" } expect allow }\n`);
    const path = policy("deny");
    const watching = portail.start(["acl", "test", path, "--watch"]);
    await watching.output("stdout", /1 failed\n$/);
    await watching.output("stderr", /watching 1 file, \^C ends\n$/);
    policy("allow");
    await watching.output("stdout", /1 case, 1 passed\n$/);
    policy("alow");
    await watching.output("stderr", /acl\.syntax.*[^]*watching 1 file, \^C ends\n$/);
    policy("allow");
    await watching.output("stdout", /1 passed\n[^]*1 passed\n$/);
    watching.signal("SIGINT");
    expect(await watching.ended).toBe(0);
  });
});
