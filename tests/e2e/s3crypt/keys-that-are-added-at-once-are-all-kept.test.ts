/** Changes of one keyring wait for each other, for others who lock it, and for nobody who is dead. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { randomKeys, randomPassword, readSodiumKeyring, writeSodiumKeyring } from "../../support/sodium-keyring.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, [LIBSODIUM, "strace", "flock"], ({ scene, portail }) => {
  const password = randomPassword();
  const env = { DS_PASSWORD: password };
  const add = (name: string) => ["s3crypt", "keys", "add", "--keyring-file", name];
  const read = (name: string) => readSodiumKeyring(readFileSync(scene.path(name), "utf8"), password);
  const keyring = (name: string) => {
    const keys = randomKeys([9n]);
    scene.write(name, writeSodiumKeyring({ password, keys }));
    return keys[0]![1];
  };

  test("six at once", async () => {
    const first = keyring("six.toml");
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => portail.run(add("six.toml"), { env })));
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(outcomes.map(({ stdout }) => Number(stdout)).toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15]);
    const found = read("six.toml");
    expect([...found.keys()]).toEqual([9n, 10n, 11n, 12n, 13n, 14n, 15n]);
    expect(found.get(9n)).toEqual(first);
    const hex = Array.from(found.values(), (key) => Buffer.from(key!).toString("hex"));
    expect(new Set(hex).size).toBe(7);
    expect(readdirSync(scene.folder).filter((name) => name.startsWith(".portail"))).toEqual([]);
  });

  test("somebody else's lock is waited for, until he dies", async () => {
    keyring("held.toml");
    const held = ["flock", "--no-fork", scene.path("held.toml"), "sh", "-c", "echo held; exec sleep 1000000"];
    const holder = start(scene, held);
    await holder.output("stdout", /held/);
    const trace = scene.path("trace");
    const prefix = ["strace", "-f", "-qq", "-e", "trace=flock", "-o", trace];
    const adding = portail.start(add("held.toml"), env, prefix);
    await until(
      () => "a lock that is refused",
      () => (/LOCK_NB\) += -1 EAGAIN/.test(textOf(trace)) ? true : undefined),
    );
    expect([adding.running, [...read("held.toml").keys()]]).toEqual([true, [9n]]);
    await holder.kill();
    expect([await adding.ended, adding.stdout, adding.stderr]).toEqual([0, "10\n", ""]);
    expect([...read("held.toml").keys()]).toEqual([9n, 10n]);
  });

  test.each(["rename", "fsync"])(
    "one who is killed at %s leaves the keyring as it was, and open to the next",
    async (call) => {
      keyring("killed.toml");
      const before = readFileSync(scene.path("killed.toml"), "utf8");
      const prefix = [
        "strace",
        "-f",
        "-qq",
        "-e",
        `trace=${call}`,
        "-e",
        `inject=${call}:signal=KILL`,
        "-o",
        "/dev/null",
      ];
      const killed = portail.start(add("killed.toml"), env, prefix);
      expect([await killed.ended, killed.stdout]).toEqual([null, ""]);
      const left = readdirSync(scene.folder).filter((name) => name.startsWith(".portail"));
      expect(left.length).toBeGreaterThan(0);
      expect(readFileSync(scene.path("killed.toml"), "utf8")).toBe(before);
      expect(await portail.run(add("killed.toml"), { env })).toEqual({ status: 0, stdout: "10\n", stderr: "" });
      expect([...read("killed.toml").keys()]).toEqual([9n, 10n]);
    },
  );
});

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
