/** Help, versions, and what the operator got wrong: the words on standard error and the exit status. */
import { expect, test } from "bun:test";
import { allowLocal } from "../support/access-proxy.ts";
import { scenario } from "../support/scenario.ts";

scenario(import.meta.file, [], ({ scene, portail }) => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    test(`portail ${args.join(" ")} lists the commands`, async () => {
      const { status, stdout, stderr } = await portail.run(args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(/^ {2}socks +\S/m);
      expect(stdout).not.toContain("\u001b");
    });
  }

  for (const args of [
    ["socks", "--help"],
    ["help", "socks"],
    ["socks", "--lsiten", "x", "--help"],
  ]) {
    test(`portail ${args.join(" ")} shows flags, examples and exit statuses`, async () => {
      const { status, stdout, stderr } = await portail.run(args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      for (const part of ["--listen ADDRESS", "--acl FILE", "Examples", "Exit status"]) expect(stdout).toContain(part);
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    });
  }

  test("portail alone is a mistake, with the help on standard error", async () => {
    const { status, stdout, stderr } = await portail.run([]);
    expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
    expect(stderr).toContain("Usage");
  });

  test("portail --version", async () => {
    const { status, stdout } = await portail.run(["--version"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^portail \d+\.\d+\.\d+\n$/);
  });

  const mistakes: [args: string[], status: number, says: RegExp][] = [
    [["sokcs"], 64, /"sokcs".*\[usage\.\w+\]\n[^]*socks/],
    [["socks", "--lsiten", "127.0.0.1:0"], 64, /--lsiten.*\[usage\.\w+\]\n[^]*--listen/],
    [["tproxy", "runn"], 64, /"runn".*\[usage\.unknown_command\]\n.*did you mean "portail tproxy run"\?/],
    [["socks", "--listen"], 64, /--listen.*\[usage\.\w+\]/],
    [["socks", "extra"], 64, /"extra".*\[usage\.\w+\]/],
    [
      ["socks", "--acl", "builtin:sample", "--listen", "nowhere"],
      64,
      /"nowhere".*port is missing \[endpoint\.syntax\]/,
    ],
    [["socks", "--acl", "builtin:sample", "--connect-timeout", "soon"], 64, /--connect-timeout.*"soon"/],
    [["socks", "--acl", "builtin:sample", "--acl", "other"], 64, /--acl/],
    [["socks"], 78, /no policy.*\[acl\.required\]\n {2}hint: .*builtin:sample/],
    [["socks", "--acl", "missing.acl"], 66, /cannot read the policy "missing\.acl": ENOENT \[acl\.unreadable\]/],
    [["socks", "--acl", "builtin:sample", "--users", "missing"], 66, /users file "missing".*\[users\.unreadable\]/],
    [["socks", "--config", "missing.toml"], 66, /missing\.toml/],
  ];
  for (const [args, status, says] of mistakes) {
    test(`portail ${args.join(" ")}`, async () => {
      const outcome = await portail.run(args);
      expect(outcome).toMatchObject({ status, stdout: "" });
      expect(outcome.stderr).toMatch(says);
      expect(outcome.stderr).toStartWith("portail");
    });
  }

  test("an address in use", async () => {
    const proxy = await portail.socks({ policy: allowLocal(1) });
    const args = ["socks", "--listen", `127.0.0.1:${proxy.port}`, "--acl", "builtin:sample"];
    const { status, stderr } = await portail.run(args);
    expect(status).toBe(71);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${proxy.port}: the address is in use [listen.eaddrinuse]`);
  });

  test("a configuration file sets flags; the command line wins; what it does not know is refused", async () => {
    const acl = scene.write("file.acl", allowLocal(1));
    const good = scene.write("good.toml", `listen = ["nowhere"]\nacl = ${JSON.stringify(acl)}\naudit = "-"\n`);
    const fromFile = await portail.run(["socks", "--config", good]);
    expect(fromFile).toMatchObject({ status: 64, stderr: expect.stringContaining('"nowhere"') });
    const proxy = portail.start(["socks", "--config", good, "--listen", "127.0.0.1:0"]);
    await proxy.output("stdout", /"event":"start"/);
    const bad = scene.write("bad.toml", `acl = "x"\n\nlsiten = ["127.0.0.1:0"]\n`);
    const { status, stderr } = await portail.run(["socks", "--config", bad]);
    expect(status).toBe(78);
    expect(stderr).toMatch(/bad\.toml:3.*lsiten/);
    expect(stderr).toContain("listen");
  });
});
