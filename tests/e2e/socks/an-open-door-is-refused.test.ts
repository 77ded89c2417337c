/** Listening beyond loopback: refused without users, unless it is said to be meant; loopback and UNIX sockets need nothing. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { scenario } from "../../support/scenario.ts";

/** A hash of htpasswd(1), whose password is of no matter here. */
const USERS = "ada:$2y$05$oK4iOncXj5GimPAv8Aqnm.b4NcNG18uuAIVQO2v2j1c2oWAoMYZa2\n";

scenario(import.meta.file, [], ({ scene, portail }) => {
  const policy = allowLocal(1);

  for (const address of ["0.0.0.0:0", ":0", "[::]:0", "[::ffff:0.0.0.0]:0", "192.0.2.1:0", "portail.e2e.example:0"]) {
    test(`${address} without users`, async () => {
      const acl = scene.write("any.acl", policy);
      const { status, stdout, stderr } = await portail.run(["socks", "--listen", address, "--acl", acl]);
      expect(status).toBe(78);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/lets everybody in who can reach it \[listen\.open_door\]\n {2}hint: .*--unsafe-listen/);
    });
  }

  test("an open door beside a closed one is refused as well", async () => {
    const acl = scene.write("any.acl", policy);
    const listen = ["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"];
    const { status, stderr } = await portail.run(["socks", ...listen, "--acl", acl]);
    expect(status).toBe(78);
    expect(stderr).not.toContain("listening");
  });

  test("with --unsafe-listen, or with users, it is served", async () => {
    const users = scene.write("users", USERS);
    for (const args of [["--unsafe-listen"], ["--users", users]]) {
      const proxy = await portail.socks({ policy, listen: ["0.0.0.0:0"], args });
      expect(proxy.listen).toEqual([`0.0.0.0:${proxy.port}`]);
      expect(await proxy.stop()).toBe(0);
    }
  });

  test("loopback and UNIX sockets need nothing", async () => {
    const path = scene.path("door.sock");
    const listen = ["127.0.0.1:0", "127.8.8.8:0", "localhost:0", `unix:${path}`];
    const proxy = await portail.socks({ policy, listen });
    expect(proxy.listen).toHaveLength(listen.length);
    expect(await proxy.stop()).toBe(0);
  });
});
