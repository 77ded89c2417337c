/** What a file, a link, a folder or a named pipe in the way of `encrypt` and `verify` comes to: never a lost output, never a hang. */
import { expect, test } from "bun:test";
import { chmodSync, chownSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { run, start } from "../../support/program.ts";
import { keyringOf, shellWords } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, [], ({ scene, portail }) => {
  const env = keyringOf(scene);
  scene.write("plain", "content\n");
  const encrypt = (out: string) => portail.run(["s3crypt", "encrypt", "plain", out], { env });

  test("a name as long as names may be is replaced as it is made", async () => {
    const name = "n".repeat(255);
    expect((await encrypt(name)).status).toBe(0);
    expect((await encrypt(name)).status).toBe(0);
  });

  test("a link in a circle, a file in a folder's place, a link that leads nowhere: 73, and all is as it was", async () => {
    symlinkSync("circle", scene.path("circle"));
    symlinkSync("nowhere", scene.path("astray"));
    for (const out of ["circle", "plain/out", "astray"]) {
      const { status, stderr } = await encrypt(out);
      expect([out, status, stderr]).toEqual([out, 73, expect.stringContaining("[output.create]")]);
    }
    expect(lstatSync(scene.path("astray")).isSymbolicLink()).toBe(true);
  });

  test("a file that is replaced keeps its mode, whatever the umask, and its owner where that may be given", async () => {
    scene.write("kept", "before");
    chmodSync(scene.path("kept"), 0o664);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(scene.path("kept"), 1, 1);
    const line = `umask 077; ${shellWords(portail, "encrypt", "plain", "kept")}`;
    expect((await run(["sh", "-c", line], { env, cwd: scene.folder })).status).toBe(0);
    const { mode, uid, gid } = statSync(scene.path("kept"));
    expect([mode & 0o777, uid, gid]).toEqual(
      isRoot ? [0o664, 1, 1] : [0o664, process.getuid!(), statSync(scene.path("plain")).gid],
    );
    expect(readFileSync(scene.path("kept")).subarray(0, 9).toString()).toBe("J'apercus");
  });

  test("a full standard output: no word of a file that was not there", async () => {
    const line = `${shellWords(portail, "encrypt", "plain")} > /dev/full`;
    const { status, stderr } = await run(["sh", "-c", line], { env, cwd: scene.folder });
    expect([status, stderr]).toEqual([74, expect.stringContaining("ENOSPC [output.write]")]);
    expect(stderr).not.toContain("nothing was left");
  });

  test.each([
    ["the input", ["encrypt", "pipe", "out"]],
    ["the output", ["encrypt", "plain", "pipe"]],
    ["what is verified", ["verify", "pipe"]],
    ["what is inspected", ["inspect", "pipe"]],
  ])("a named pipe that nobody opens as %s: a signal ends the wait", async (_, words) => {
    if (!readdirSync(scene.folder).includes("pipe")) await run(["mkfifo", "pipe"], { cwd: scene.folder });
    const waiting = start(scene, [...portail.command, "s3crypt", ...words], { env });
    const stack = `/proc/${waiting.pid}/task/${waiting.pid}/wchan`;
    await until("a wait for the other end", () => /fifo|wait_for_partner/.test(readFileSync(stack, "utf8")));
    waiting.signal("SIGTERM");
    expect(await waiting.ended).not.toBe(0);
  });

  test("verify looks at all objects, also behind one that is not there", async () => {
    await encrypt("good");
    const one = await portail.run(["s3crypt", "verify", "absent", "good"], { env });
    expect([one.status, one.stdout]).toEqual([66, expect.stringContaining("absent: ")]);
    const two = await portail.run(["s3crypt", "verify", "absent", "plain", "good"], { env });
    expect([two.status, two.stdout]).toEqual([65, expect.stringMatching(/^absent: .*\nplain: .*\n$/)]);
  });

  test("a file that is added to its own end is refused, not grown until the disk is full", async () => {
    scene.write("own", "content\n");
    const line = `${shellWords(portail, "encrypt")} < own >> own`;
    const { status, stderr } = await run(["sh", "-c", line], { env, cwd: scene.folder });
    expect([status, stderr]).toEqual([64, expect.stringContaining("[output.input]")]);
    expect(readFileSync(scene.path("own"), "utf8")).toBe("content\n");
  });

  test("inspect without a password tells what the object says, also where the environment names a keyring", async () => {
    await encrypt("told");
    const { DS_KEYRING } = env;
    const { status, stdout } = await portail.run(["s3crypt", "inspect", "--json", "told"], {
      env: { DS_KEYRING: DS_KEYRING! },
    });
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ format: "ds2", plain: 8 })]);
    const other = scene.write("other.toml", readFileSync(DS_KEYRING!));
    const asked = await portail.run(["s3crypt", "inspect", "--keyring-file", other, "told"], {
      env: { DS_KEYRING: DS_KEYRING! },
    });
    expect([asked.status, asked.stderr]).toEqual([64, expect.stringContaining("[s3crypt.no_password]")]);
  });
});
