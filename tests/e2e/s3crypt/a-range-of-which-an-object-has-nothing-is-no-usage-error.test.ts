/** `decrypt --range`: what no object has is 64 before anything is read, what this object lacks is 65, an empty one too. */
import { expect, test } from "bun:test";
import { keyringOf } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, [], ({ scene, portail }) => {
  const env = keyringOf(scene);
  const decrypt = (range: string, name: string) =>
    portail.run(["s3crypt", "decrypt", `--range=${range}`, name, "part"], { env });

  test.each([
    ["ds2", 0, ["-5", "-0", "0-", "0-3", "7-"]],
    ["v3", 0, ["-5", "-0", "0-", "0-3", "7-"]],
    ["ds2", 10, ["-0", "10-", "99999999999999999999-"]],
    ["v3", 10, ["-0", "10-", "99999999999999999999-"]],
  ])("of %s with %d bytes", async (format, size, ranges) => {
    scene.write("plain", Buffer.alloc(size));
    await portail.run(["s3crypt", "encrypt", "--format", format, "plain", "sealed"], { env });
    for (const range of ranges) {
      const { status, stderr } = await decrypt(range, "sealed");
      expect([range, status, stderr]).toEqual([range, 65, expect.stringContaining(`of ${size} bytes [s3crypt.range]`)]);
    }
  });

  test.each(["", "-", "5", "3-2", "0-1,3-4", "a-b", "--5"])("%p is no range, whatever the object", async (range) => {
    scene.write("none", "");
    const { status, stderr } = await decrypt(range, "none");
    expect([status, stderr]).toEqual([64, expect.stringContaining("[usage.value]")]);
  });
});
