/** The keyring's file: what openKeyring reads and refuses, from which password, and one change at a time. */
import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { changeKeyring, openKeyring } from "../../../../commands/s3crypt/keyring-file.ts";
import { lockPath } from "../../../../commands/s3crypt/keyring-lock.ts";
import { addKey, makeKeyring } from "../../../../commands/s3crypt/keyring.ts";
import { randomMasterKey } from "../../../../commands/s3crypt/master-key.ts";
import { tryLock } from "../../../../lib/ffi/file-lock.ts";
import { Scene } from "../../../support/scene.ts";
import { randomBytes } from "../../../support/sodium-keyring.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const scene = new Scene();
afterAll(() => scene.close());

const { master, password } = randomMasterKey(randomBytes);
const TEXT = makeKeyring(master, randomBytes);

const runtime = (env: Record<string, string> = {}) => fakeRuntime({ cwd: scene.folder, env });

/** What went wrong, as a script would see it. */
const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    ({ code, exit }: { code?: string; exit?: number }) => [code, exit],
  );

interface Given {
  file?: string;
  passwordFile?: string;
  env?: Record<string, string>;
}

const opened = ({ file = "k.toml", passwordFile, env = {} }: Given) =>
  openKeyring({ "keyring-file": file, "password-file": passwordFile }, runtime(env));

describe("a keyring", () => {
  scene.write("k.toml", TEXT);
  scene.write("pw", `${password}\n`);
  const folder = scene.mkdir("credentials");
  scene.write("credentials/pw", password);
  scene.write("credentials/keyring", TEXT);

  test.each([
    ["a file", { passwordFile: "pw" }],
    ["the environment", { env: { DS_PASSWORD: password } }],
    ["a credential", { passwordFile: "credential:pw", env: { CREDENTIALS_DIRECTORY: folder } }],
    ["a file, whatever the environment has", { passwordFile: "pw", env: { DS_PASSWORD: "other" } }],
  ])("opens with the password of %s", async (_, given) => {
    const { ids, newest, get } = await opened(given);
    expect([ids, newest.id, newest.key]).toEqual([[0n], 0n, get(0n)!]);
    expect(newest.key).toHaveLength(32);
    expect(get(1n)).toBeUndefined();
  });

  test("may be a credential itself", async () => {
    const env = { CREDENTIALS_DIRECTORY: folder, DS_PASSWORD: password };
    expect((await opened({ file: "credential:keyring", env })).ids).toEqual([0n]);
  });

  test.each([
    ["no password", {}, ["s3crypt.no_password", 64]],
    ["an empty password in the environment", { env: { DS_PASSWORD: "" } }, ["s3crypt.no_password", 64]],
    ["a wrong password", { env: { DS_PASSWORD: "x" } }, ["s3crypt.wrong_password", 65]],
    ["a password file that is not there", { passwordFile: "none" }, ["identity.secret_unreadable", 66]],
    ["a password file that is a folder", { passwordFile: "." }, ["identity.secret_unreadable", 66]],
    ["a password of 64 KiB and one byte", { passwordFile: "long" }, ["identity.bad_secret", 65]],
    ["a keyring that is not there", { file: "none", passwordFile: "pw" }, ["identity.keyring_unreadable", 66]],
    ["a keyring that is a folder", { file: ".", passwordFile: "pw" }, ["identity.keyring_unreadable", 66]],
    ["a keyring without end", { file: "/dev/zero", passwordFile: "pw" }, ["identity.keyring_unreadable", 66]],
    ["a keyring of more than 1 MiB", { file: "large", passwordFile: "pw" }, ["s3crypt.bad_keyring", 65]],
    ["a keyring that is no UTF-8", { file: "latin", passwordFile: "pw" }, ["s3crypt.bad_keyring", 65]],
    ["an empty file", { file: "empty", passwordFile: "pw" }, ["s3crypt.bad_keyring", 65]],
  ])("is not opened with %s", async (_, given: Given, expected) => {
    scene.write("long", "x".repeat(2 ** 16 + 1));
    scene.write("large", `${TEXT}#${"x".repeat(2 ** 20)}`);
    scene.write("latin", Buffer.concat([Buffer.from(`# ${TEXT}`), Uint8Array.of(0xff)]));
    scene.write("empty", "");
    expect(await outcome(opened(given))).toEqual(expected);
  });

  test("of nearly 1 MiB opens", async () => {
    scene.write("fits", `${TEXT}#${"x".repeat(2 ** 20 - TEXT.length - 1)}`);
    expect((await opened({ file: "fits", passwordFile: "pw" })).ids).toEqual([0n]);
  });
});

describe("a change", () => {
  const args = (file: string) => ({ "keyring-file": file, "password-file": undefined });
  const env = { DS_PASSWORD: password };

  test("that another program's overtakes is not made", async () => {
    const path = scene.write("c.toml", TEXT);
    const other = `${TEXT}# by an editor\n`;
    const work = changeKeyring(args("c.toml"), runtime(env), (keyring) => ({
      ...addKey(keyring, master, randomBytes),
      async beforeCommit() {
        scene.write("c.toml", other);
      },
    }));
    expect(await outcome(work)).toEqual(["s3crypt.keyring_changed", 75]);
    expect(readFileSync(path, "utf8")).toBe(other);
  });

  test("whose last step fails leaves the old keyring", async () => {
    const path = scene.write("f.toml", TEXT);
    const beforeCommit = () => Promise.reject(new Error("nobody reads"));
    const work = changeKeyring(args("f.toml"), runtime(env), () => ({ text: "new", beforeCommit }));
    await expect(work).rejects.toThrow("nobody reads");
    expect(readFileSync(path, "utf8")).toBe(TEXT);
  });

  test("goes through a symbolic link", async () => {
    const path = scene.write("t.toml", TEXT);
    symlinkSync(path, scene.path("l.toml"));
    await changeKeyring(args("l.toml"), runtime(env), (keyring) => addKey(keyring, master, randomBytes));
    expect(readFileSync(path, "utf8")).toContain("\n1 = ");
  });

  test.each([
    ["credential:keyring", ["usage.value", 64]],
    ["/dev/null", ["s3crypt.cannot_write", 73]],
    ["none", ["identity.keyring_unreadable", 66]],
  ])("of %s is refused", async (file, expected) => {
    const work = changeKeyring(args(file), runtime(env), () => ({ text: TEXT }));
    expect(await outcome(work)).toEqual(expected);
  });
});

describe("the lock", () => {
  test("is refused for as long as somebody has it", async () => {
    const path = scene.write("lock.toml", TEXT);
    const { log } = runtime();
    const lock = await lockPath(path, "lock.toml", log);
    expect(await outcome(lockPath(path, "lock.toml", log, 0))).toEqual(["s3crypt.keyring_busy", 75]);
    lock.release();
    (await lockPath(path, "lock.toml", log, 0)).release();
  });

  test("is waited for, and is that of the file which stands there then", async () => {
    const path = scene.write("wait.toml", TEXT);
    const { log } = runtime();
    const first = await lockPath(path, "wait.toml", log);
    const second = lockPath(path, "wait.toml", log);
    renameSync(scene.write("wait.new", TEXT), path);
    const newer = openSync(path, "r");
    first.release();
    const lock = await second;
    expect(tryLock(newer)).toBe("busy");
    lock.release();
    expect(tryLock(newer)).toBe("locked");
    closeSync(newer);
  });

  test("is not to be had on what is no open file", () => {
    expect(tryLock(1_000_000)).toBe("unsupported");
  });
});
