/** What is wrong with a keyring or its password: a code, a status, a hint where there is one, and never a part of a secret. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { randomBytes, randomKeys, writeSodiumKeyring } from "../../support/sodium-keyring.ts";

const PASSWORD = "hunter2-hunter2";

scenario(import.meta.file, [LIBSODIUM, "strace"], ({ scene, portail }) => {
  const text = writeSodiumKeyring({ password: PASSWORD, salt: randomBytes(32), keys: randomKeys([0n, 1n]) });
  const place = text.indexOf('1 = "') + 90;
  const damaged = `${text.slice(0, place)}${text[place] === "A" ? "B" : "A"}${text.slice(place + 1)}`;

  /** The outcome of adding a key, and that neither a password nor anything of the keyring is in what is said. */
  async function refused(status: number, code: string, args: string[], env: Record<string, string> = {}) {
    scene.write("k.toml", text);
    scene.write("damaged.toml", damaged);
    scene.write("pw", PASSWORD);
    scene.write("wrong", "hunter2-wrong");
    const outcome = await portail.run(["s3crypt", "keys", "add", ...args], { env });
    expect([outcome.status, outcome.stdout]).toEqual([status, ""]);
    expect(outcome.stderr).toContain(`[${code}]`);
    for (const secret of ["hunter2", ...[...text.matchAll(/"(.{8})/g)].map(([, start]) => start!)])
      expect(outcome.stderr).not.toContain(secret);
    expect(readFileSync(scene.path("k.toml"), "utf8")).toBe(text);
    return outcome.stderr;
  }

  const FILE = ["--keyring-file", "k.toml"];

  test.each([
    ["no keyring", 64, "usage.missing", []],
    ["no password", 64, "s3crypt.no_password", FILE],
    ["a wrong password", 65, "s3crypt.wrong_password", [...FILE, "--password-file", "wrong"]],
    ["no password file", 66, "identity.secret_unreadable", [...FILE, "--password-file", "none"]],
    ["no keyring file", 66, "identity.keyring_unreadable", ["--keyring-file", "none", "--password-file", "pw"]],
    [
      "the files in each other's place",
      65,
      "s3crypt.bad_keyring",
      ["--keyring-file", "pw", "--password-file", "k.toml"],
    ],
    ["no such credential", 66, "identity.secret_unreadable", [...FILE, "--password-file", "credential:none"]],
    ["a password on the command line", 64, "usage.unknown_flag", [...FILE, "--password", "x"]],
  ])("%s", async (_, status, code, args) => {
    await refused(status, code, args, { CREDENTIALS_DIRECTORY: scene.folder });
  });

  test("a damaged key is named", async () => {
    const args = ["--keyring-file", "damaged.toml", "--password-file", "pw"];
    expect(await refused(65, "s3crypt.damaged_key", args)).toContain("but not its key 1 ");
  });

  test.each(["k.toml", "pw"])("%s that may not be read", async (name) => {
    scene.write("k.toml", text);
    scene.write("pw", PASSWORD);
    const prefix = [
      "strace",
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-P",
      scene.path(name),
      "-e",
      "inject=open,openat:error=EACCES",
    ];
    const args = ["s3crypt", "keys", "list", ...FILE, "--password-file", "pw"];
    const { status, stdout, stderr } = await run([...prefix, ...portail.command, ...args], { cwd: scene.folder });
    expect([status, stdout]).toEqual([77, ""]);
    expect(stderr).toContain("permission denied [identity.");
  });
});
