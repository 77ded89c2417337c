/** `decrypt --range`: the bytes that were asked for, of both formats, and few others are read; strace counts them. */
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { run } from "../../support/program.ts";
import { keyringOf, shellWords } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";

const SIZE = 8 * 2 ** 20 + 3;

scenario(import.meta.file, ["strace"], ({ scene, portail }) => {
  const env = keyringOf(scene);
  const plain = randomFillSync(new Uint8Array(SIZE));

  describe.each(["ds2", "v3"])("%s", (format) => {
    const decrypt = (...args: string[]) => portail.run(["s3crypt", "decrypt", ...args], { env });
    test("made", async () => {
      scene.write("plain", plain);
      const { status } = await portail.run(["s3crypt", "encrypt", "--format", format, "plain", format], { env });
      expect(status).toBe(0);
    });

    test.each([
      ["0-0", 0, 1],
      ["0-16383", 0, 16_384],
      ["16383-16384", 16_383, 16_385],
      ["5000000-5000099", 5_000_000, 5_000_100],
      ["8388600-", 8_388_600, SIZE],
      ["-5", SIZE - 5, SIZE],
      ["0-99999999", 0, SIZE],
    ])("%s", async (range, start, end) => {
      const { status, stderr } = await decrypt(`--range=${range}`, format, "part");
      expect([status, stderr]).toEqual([0, ""]);
      expect(readFileSync(scene.path("part")).equals(plain.subarray(start, end))).toBe(true);
    });

    test("a range that is none, one beyond the end, and one of a pipe are refused", async () => {
      expect(await decrypt("--range", "5-3", format, "none")).toMatchObject({ status: 64 });
      const beyond = await decrypt("--range", `${SIZE}-`, format, "none");
      expect([beyond.status, beyond.stderr]).toEqual([65, expect.stringContaining("[s3crypt.range]")]);
      const line = `cat ${format} | ${shellWords(portail, "decrypt", "--range=0-1")}`;
      const pipe = await run(["sh", "-c", line], { env, cwd: scene.folder });
      expect([pipe.status, pipe.stderr]).toEqual([
        64,
        expect.stringContaining("standard input cannot be read in parts"),
      ]);
      expect(existsSync(scene.path("none"))).toBe(false);
    });

    test("a range that holds a changed byte: 65 and no file; one beside it is read", async () => {
      const object = readFileSync(scene.path(format));
      object[4_000_000]! ^= 1;
      scene.write("changed", object);
      const hit = await decrypt("--range", "3900000-4100000", "changed", "none");
      expect([hit.status, hit.stderr]).toEqual([65, expect.stringContaining("[s3crypt.forged]")]);
      expect(existsSync(scene.path("none"))).toBe(false);
      expect((await decrypt("--range", "100-200", "changed", "part")).status).toBe(0);
      expect(readFileSync(scene.path("part")).equals(plain.subarray(100, 201))).toBe(true);
    });
  });

  test("of version 3 little more is read than what was asked for", async () => {
    const trace = scene.path("trace");
    const words = [...portail.command, "s3crypt", "decrypt", "--range", "5000000-5000099", "v3", "part"];
    const strace = ["strace", "-f", "-qq", "-e", "trace=pread64", "-P", scene.path("v3"), "-o", trace];
    const { status } = await run([...strace, ...words], { env, cwd: scene.folder });
    expect(status).toBe(0);
    const counts = readFileSync(trace, "utf8").matchAll(/= ([0-9]+)$/gm);
    const bytes = [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    expect(bytes).toBeGreaterThan(16_384);
    expect(bytes).toBeLessThan(100_000);
  });
});
