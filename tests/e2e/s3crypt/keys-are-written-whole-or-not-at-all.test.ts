/** A full disk, a disk that may not be written, and one without hard links: the keyring is whole, and nothing else is left. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { randomKeys, randomPassword, readSodiumKeyring, writeSodiumKeyring } from "../../support/sodium-keyring.ts";

/** Puts a file system of 16 KiB under `disk`, with the keyring on it, and `$0` is what is done to it. */
const ON_DISK = `set -eu
mount -t tmpfs -o size=16k none disk
cp k.toml disk/k.toml
eval "$0"
status=0
"$@" || status=$?
cmp -s k.toml disk/k.toml || echo changed
ls -A disk
echo "status $status"`;

const TROUBLES = [
  ["is full", "dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null || true", "ENOSPC", "filler\n"],
  ["may not be written", "mount -o remount,ro disk", "EROFS", ""],
] as const;

scenario(import.meta.file, [LIBSODIUM, "strace", "unshare"], ({ scene, portail }) => {
  const password = randomPassword();
  const env = { DS_PASSWORD: password };
  const namespace = ["unshare", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--mount"];

  describe.each(TROUBLES)("a disk that %s:", (_, trouble, reason, others) => {
    test.each([
      ["add", "disk/k.toml"],
      ["rotate-password", "disk/k.toml"],
      ["init", "disk/new.toml"],
    ])("keys %s", async (word, file) => {
      scene.write("k.toml", writeSodiumKeyring({ password, keys: randomKeys([0n]) }));
      scene.mkdir("disk");
      const args = ["s3crypt", "keys", word, "--keyring-file", file];
      const command = [...namespace, "sh", "-c", ON_DISK, trouble, ...portail.command, ...args];
      const { stdout, stderr } = await run(command, { cwd: scene.folder, env });
      expect(stdout).toBe(`${others}k.toml\nstatus 73\n`);
      expect(stderr).toContain(`: ${reason} [s3crypt.cannot_write]`);
    });
  });

  test("where there are no hard links, a new keyring still overwrites nothing", async () => {
    const prefix = ["strace", "-f", "-qq", "-e", "trace=link", "-e", "inject=link:error=EPERM", "-o", "/dev/null"];
    const init = ["s3crypt", "keys", "init", "--keyring-file", "linkless.toml"];
    const made = portail.start(init, {}, prefix);
    expect(await made.ended).toBe(0);
    const text = readFileSync(scene.path("linkless.toml"), "utf8");
    expect(readSodiumKeyring(text, made.stdout).get(0n)).toHaveLength(32);
    expect(await portail.start(init, {}, prefix).ended).toBe(73);
    expect(readFileSync(scene.path("linkless.toml"), "utf8")).toBe(text);
  });
});
