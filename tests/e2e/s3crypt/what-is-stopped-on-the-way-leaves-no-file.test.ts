/** ^C, a kill and a full disk in the middle: there is no part of a file, and what was there before stays. */
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { run, start } from "../../support/program.ts";
import { keyringOf } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const MIB = 2 ** 20;

/** A disk of 4 MiB, on which `$0` may stand already. */
const ON_DISK = `set -eu
mount -t tmpfs -o size=4m none disk
status=0
"$@" < plain || status=$?
ls -A disk
echo "status $status"`;

scenario(import.meta.file, ["unshare"], ({ scene, portail }) => {
  const env = keyringOf(scene);

  describe.each([
    ["a new file", undefined],
    ["in the place of a file", "before"],
  ])("%s", (_, before) => {
    test.each([
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGKILL", null],
    ] as const)("%s", async (signal, status) => {
      const folder = `${signal}${before ?? ""}`;
      scene.mkdir(folder);
      if (before !== undefined) scene.write(`${folder}/out`, before);
      const command = [...portail.command, "s3crypt", "encrypt", "-", `${folder}/out`];
      const encrypt = start(scene, command, { env, feed: true });
      const piece = randomFillSync(new Uint8Array(MIB));
      // What the pipes do not hold, it has taken.
      for (let i = 0; i < 8; i++) await encrypt.write(piece);
      encrypt.signal(signal);
      expect(await encrypt.ended).toBe(status);
      const left = () => readdirSync(scene.path(folder));
      await until("the folder as it was", () => left().length === (before === undefined ? 0 : 1));
      if (before !== undefined) expect(readFileSync(scene.path(`${folder}/out`), "utf8")).toBe(before);
    });
  });

  test("a full disk: status 74, and the disk is empty", async () => {
    scene.write("plain", randomFillSync(new Uint8Array(8 * MIB)));
    scene.mkdir("disk");
    const namespace = ["unshare", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--mount"];
    const words = [...portail.command, "s3crypt", "encrypt", "-", "disk/out"];
    const { stdout, stderr } = await run([...namespace, "sh", "-c", ON_DISK, "x", ...words], {
      cwd: scene.folder,
      env,
    });
    expect(stdout).toBe("status 74\n");
    expect(stderr).toContain("ENOSPC [output.write]");
  });

  test("a folder that is not there, a folder in the file's place, a terminal's worth of nothing: said ahead", async () => {
    scene.write("small", "x");
    const missing = await portail.run(["s3crypt", "encrypt", "small", "nowhere/out"], { env });
    expect([missing.status, missing.stderr]).toEqual([73, expect.stringContaining("ENOENT [output.create]")]);
    scene.mkdir("folder");
    const folder = await portail.run(["s3crypt", "encrypt", "small", "folder"], { env });
    expect([folder.status, folder.stderr]).toEqual([73, expect.stringContaining("[output.create]")]);
    const absent = await portail.run(["s3crypt", "encrypt", "absent", "out"], { env });
    expect([absent.status, absent.stderr]).toEqual([66, expect.stringContaining("ENOENT [input.unreadable]")]);
  });

  test("in its own place: what is read is the old file, what stands there then the new one", async () => {
    scene.write("same", "content\n");
    expect((await portail.run(["s3crypt", "encrypt", "same", "same"], { env })).status).toBe(0);
    expect(readFileSync(scene.path("same")).subarray(0, 9).toString()).toBe("J'apercus");
    expect((await portail.run(["s3crypt", "decrypt", "same", "same"], { env })).status).toBe(0);
    expect(readFileSync(scene.path("same"), "utf8")).toBe("content\n");
  });
});
