/** tar into encrypt, encrypt into decrypt, decrypt into tar: nothing is lost, and memory does not grow with the size. */
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { PortailPipe } from "../../support/s3crypt-pipe.ts";
import { run } from "../../support/program.ts";
import { keyringOf, shellWords } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";

const MIB = 2 ** 20;
const SIZE = process.env["PORTAIL_LONG"] === "1" ? 2048 * MIB : 64 * MIB;
/** Of each of the two programs, in KiB as the kernel counts it. */
const MOST_MEMORY = 150 * 1000;

scenario(import.meta.file, ["tar"], ({ scene, portail }) => {
  const env = keyringOf(scene);

  describe.each(["ds2", "v3"])("%s", (format) => {
    test("what tar puts in, tar takes out", async () => {
      scene.mkdir("data");
      scene.write("data/random", randomFillSync(new Uint8Array(3 * MIB + 7)));
      scene.write("data/empty", "");
      scene.write("data/sub/line", "hello\n");
      const encrypt = shellWords(portail, "encrypt", "--format", format);
      const decrypt = shellWords(portail, "decrypt");
      const line = `set -o pipefail; tar c data | ${encrypt} | ${decrypt} | tar t`;
      const { status, stdout, stderr } = await run(["bash", "-c", line], { cwd: scene.folder, env });
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout.split("\n").toSorted()).toEqual([
        "",
        "data/",
        "data/empty",
        "data/random",
        "data/sub/",
        "data/sub/line",
      ]);
    });

    test("memory stays as it is, and the digests agree", async () => {
      const pipe = new PortailPipe(portail, { env, cwd: scene.folder });
      const { digests, memory } = await pipe.send(SIZE, format);
      expect(digests.out).toBe(digests.in);
      for (const kib of memory) {
        expect(kib).toBeGreaterThan(10_000);
        expect(kib).toBeLessThan(MOST_MEMORY);
      }
    });
  });
});
