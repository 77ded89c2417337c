/** A random password is printed before a keyring is made or replaced: where it cannot be, the keyring stays as it was. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { randomBytes, randomKeys, randomPassword, writeSodiumKeyring } from "../../support/sodium-keyring.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";

/** Shell, in which `"$@"` is the command. The last is a named pipe that had a reader once. */
const SINKS = [
  ["is closed", '"$@" >&-'],
  ["leads to /dev/null", '"$@" >/dev/null'],
  ["is on a full disk", '"$@" >/dev/full'],
  ["has lost its reader", 'mkfifo p && exec 3<>p 4>p 3<&- && rm p && "$@" >&4'],
] as const;

scenario(import.meta.file, [LIBSODIUM, "mkfifo"], ({ scene, portail }) => {
  const password = randomPassword();
  const text = writeSodiumKeyring({ password, keys: randomKeys([0n, 1n]) });

  describe.each(SINKS)("standard output %s:", (_, script) => {
    /** In a folder that has the keyring `k.toml` only; what there is afterwards. */
    async function attempt(...args: string[]) {
      const folder = scene.mkdir(`attempt-${Buffer.from(randomBytes(4)).toString("hex")}`);
      await Bun.write(`${folder}/k.toml`, text);
      const options = { cwd: folder, env: { DS_PASSWORD: password } };
      const { status } = await run(["sh", "-c", script, "sh", ...portail.command, "s3crypt", ...args], options);
      const files = readdirSync(folder);
      return { status, files, keyring: readFileSync(`${folder}/k.toml`, "utf8") };
    }

    test("the password is not changed", async () => {
      const { status, files, keyring } = await attempt("keys", "rotate-password", "--keyring-file", "k.toml");
      expect([status, files, keyring]).toEqual([74, ["k.toml"], text]);
    });

    test("no keyring is made", async () => {
      const { status, files } = await attempt("keys", "init", "--keyring-file", "new.toml");
      expect([status, files]).toEqual([74, ["k.toml"]]);
    });
  });

  test("a chosen password needs no standard output", async () => {
    scene.write("own", "my own");
    const args = ["s3crypt", "keys", "init", "--keyring-file", "own.toml", "--new-password-file", "own"];
    const command = ["sh", "-c", '"$@" >&-', "sh", ...portail.command, ...args];
    expect((await run(command, { cwd: scene.folder })).status).toBe(0);
    expect(readFileSync(scene.path("own.toml"), "utf8")).toStartWith('salt = "');
  });

  test("an empty password is not chosen", async () => {
    for (const [name, content] of [
      ["empty", ""],
      ["newline", "\n"],
    ] as const) {
      scene.write(name, content);
      const args = ["s3crypt", "keys", "init", "--keyring-file", "e.toml", "--new-password-file", name];
      const { status, stderr } = await portail.run(args);
      expect([status, stderr]).toEqual([65, expect.stringContaining("[s3crypt.empty_password]")]);
    }
    expect(readdirSync(scene.folder)).not.toContain("e.toml");
  });
});
