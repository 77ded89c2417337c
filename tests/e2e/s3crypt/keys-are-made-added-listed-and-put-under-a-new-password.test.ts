/** A keyring's life by the commands, under both of their names, and what libsodium finds in it after each. */
import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { randomBytes, randomKeys, readSodiumKeyring, writeSodiumKeyring } from "../../support/sodium-keyring.ts";
import { TerminalProgram } from "../../support/terminal.ts";

const NAMES = [
  { by: "own names", init: ["keys", "init"], add: ["keys", "add"], rotate: ["keys", "rotate-password"], dash: "-" },
  { by: "the reference's names", init: ["init-keyring"], add: ["add-key"], rotate: ["rotate-password"], dash: "_" },
];

scenario(import.meta.file, [LIBSODIUM, "mkfifo"], ({ scene, portail }) => {
  const s3crypt = (args: readonly string[], env: Record<string, string> = {}) =>
    portail.run(["s3crypt", ...args], { env });

  describe.each(NAMES)("by $by", ({ init, add, rotate, dash }) => {
    const name = `keyring${dash}.toml`;
    const keyring = [`--keyring${dash}file`, name];
    const read = (password: string) => readSodiumKeyring(readFileSync(scene.path(name), "utf8"), password);
    let password = "";

    test("it is made, and its password printed without a newline", async () => {
      const { status, stdout, stderr } = await s3crypt([...init, ...keyring]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^[A-Za-z0-9+/]{43}=$/);
      expect(stderr).not.toContain(stdout);
      password = stdout;
      expect(statSync(scene.path(name)).mode & 0o7777).toBe(0o600);
      expect([...read(password)]).toEqual([[0n, expect.any(Uint8Array)]]);
    });

    test("it is not made twice", async () => {
      const before = readFileSync(scene.path(name));
      const { status, stdout, stderr } = await s3crypt([...init, ...keyring]);
      expect([status, stdout]).toEqual([73, ""]);
      expect(stderr).toContain("[s3crypt.keyring_exists]");
      expect(readFileSync(scene.path(name))).toEqual(before);
    });

    test("keys are added, each with the next id as a number, and none is changed", async () => {
      scene.write(`pw${dash}`, password);
      for (let id = 1; id <= 11; id++) {
        const before = read(password);
        const way =
          id % 2 === 0 ? { args: [`--password${dash}file`, `pw${dash}`] } : { env: { DS_PASSWORD: password } };
        const added = await s3crypt([...add, ...keyring, ...(way.args ?? [])], way.env);
        expect(added).toMatchObject({ status: 0, stdout: `${id}\n` });
        const after = read(password);
        expect([...after.keys()].at(-1)).toBe(BigInt(id));
        for (const [each, key] of before) expect(after.get(each)).toEqual(key!);
      }
    });

    test("it is put under a random password, and then under a chosen one", async () => {
      const before = read(password);
      const env = { DS_KEYRING: name, DS_PASSWORD: password };
      const { status, stdout } = await s3crypt(rotate, env);
      expect(status).toBe(0);
      expect(read(stdout)).toEqual(before);
      expect([...read(password).values()].every((key) => key === undefined)).toBe(true);

      scene.write(`own${dash}`, "my own\n");
      const chosen = await s3crypt([...rotate, `--new${dash}password${dash}file`, `own${dash}`], {
        ...env,
        DS_PASSWORD: stdout,
      });
      expect(chosen).toMatchObject({ status: 0, stdout: "" });
      expect(read("my own\n")).toEqual(before);
      const listed = await s3crypt(["keys", "list", ...keyring], { DS_PASSWORD: "my own" });
      expect(listed).toMatchObject({ status: 0, stdout: expect.stringMatching(/^0\n1\n[^]*\n9\n10\n11 {2}newest\n$/) });
      expect(await s3crypt(["keys", "list", ...keyring], { DS_PASSWORD: password })).toMatchObject({
        status: 65,
        stdout: "",
        stderr: expect.stringContaining("[s3crypt.wrong_password]"),
      });
    });
  });

  test("a keyring that libsodium wrote is listed for programs, and grown by a password out of a named pipe", async () => {
    const keys = randomKeys([10n, 9n, 2n ** 64n - 2n]);
    const salt = randomBytes(32);
    const path = scene.write("sodium.toml", writeSodiumKeyring({ password: "pä\n", salt, keys }));
    const listed = await s3crypt(["keys", "list", "--json", "--keyring-file", "sodium.toml"]);
    expect(
      listed.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { id: "9", newest: false },
      { id: "10", newest: false },
      { id: "18446744073709551614", newest: true },
    ]);
    const pipe = scene.path("pipe");
    expect((await run(["mkfifo", pipe])).status).toBe(0);
    const [added] = await Promise.all([
      s3crypt(["keys", "add", "--keyring-file", "sodium.toml", "--password-file", "pipe"]),
      run(["sh", "-c", 'printf "pä\\n" > "$0"', pipe]),
    ]);
    expect(added).toEqual({ status: 0, stdout: "18446744073709551615\n", stderr: "" });
    const found = readSodiumKeyring(readFileSync(path, "utf8"), "pä\n");
    for (const [id, key] of keys) expect(found.get(id)).toEqual(key);
    expect(found.get(2n ** 64n - 1n)).toHaveLength(32);
    const full = await s3crypt(["keys", "add", "--keyring-file", "sodium.toml"], { DS_PASSWORD: "pä\n" });
    expect(full).toMatchObject({ status: 65, stdout: "" });
  });

  test("on a terminal the password stands on a line", async () => {
    const command = [...portail.command, "s3crypt", "keys", "init", "--keyring-file", "terminal.toml"];
    const terminal = new TerminalProgram(scene, command);
    expect(await terminal.ended).toBe(0);
    const [, password] = await terminal.shows(/^([A-Za-z0-9+/]{43}=)\n/m);
    expect(readSodiumKeyring(readFileSync(scene.path("terminal.toml"), "utf8"), password!).get(0n)).toHaveLength(32);
  });
});
