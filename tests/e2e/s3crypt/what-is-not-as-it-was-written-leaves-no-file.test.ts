/** Cut, changed, of another keyring, not encrypted: status 65, no file, and nothing on standard output that is not authentic. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { randomFillSync } from "node:crypto";
import { keyringOf } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";

const CHUNK = 16_384;

scenario(import.meta.file, [], ({ scene, portail }) => {
  const env = keyringOf(scene);
  const plain = randomFillSync(new Uint8Array(4 * CHUNK + 100));
  const sealed = async (format: string) => {
    scene.write("plain", plain);
    const { status } = await portail.run(["s3crypt", "encrypt", "--format", format, "plain", format], { env });
    expect(status).toBe(0);
    return readFileSync(scene.path(format));
  };

  const CHANGES: [string, string, (object: Buffer) => Uint8Array][] = [
    ["truncated", "within its header", (object) => object.subarray(0, 40)],
    ["forged", "of which a bit was turned over", (object) => ((object[object.length - 5]! ^= 1), object)],
    ["forged", "whose key id was changed", (object) => ((object[48]! ^= 1), object)],
    ["unknown_key", "by a key that the keyring lacks", (object) => ((object[48]! ^= 7), object)],
    ["header", "of a version to come", (object) => ((object[32] = 9), object)],
    ["plaintext", "that is not encrypted", () => Buffer.from("not encrypted\n")],
  ];

  describe.each(["ds2", "v3"])("%s", (format) => {
    test.each(CHANGES)("%s: an object %s", async (code, _, change) => {
      scene.write("object", change(await sealed(format)));
      const file = await portail.run(["s3crypt", "decrypt", "object", "out"], { env });
      expect(file.status).toBe(65);
      expect(file.stderr).toContain(`[s3crypt.${code}]`);
      expect(file.stderr).toContain("\n  hint: ");
      expect(existsSync(scene.path("out"))).toBe(false);
      const pipe = await portail.run(["s3crypt", "verify", "object"], { env });
      expect([pipe.status, pipe.stdout]).toEqual([65, expect.stringContaining(`[s3crypt.${code}]`)]);
    });

    test("what was authentic ahead of the damage is all that standard output gets", async () => {
      const object = await sealed(format);
      object[object.length - 200 - CHUNK]! ^= 1;
      scene.write("object", object);
      const child = Bun.spawn([...portail.command, "s3crypt", "decrypt", "object"], {
        cwd: scene.folder,
        env: { ...env, PATH: "/usr/bin:/bin" },
        stdout: "pipe",
        stderr: "ignore",
      });
      const got = Buffer.from(await new Response(child.stdout).arrayBuffer());
      expect(await child.exited).toBe(65);
      expect(got.equals(plain.subarray(0, got.length))).toBe(true);
      expect(got.length).toBeLessThanOrEqual(3 * CHUNK);
    });

    test("an existing file stays as it was, and no other is left", async () => {
      scene.write("kept/out", "before");
      scene.write("object", (await sealed(format)).subarray(0, 3 * CHUNK));
      const { status } = await portail.run(["s3crypt", "decrypt", "object", "kept/out"], { env });
      expect(status).toBe(65);
      expect(readFileSync(scene.path("kept/out"), "utf8")).toBe("before");
      expect(readdirSync(scene.path("kept"))).toEqual(["out"]);
    });
  });

  test("an object of ds_proxy's format that is cut between two messages: a warning, or a refusal where that is asked for", async () => {
    const object = (await sealed("ds2")).subarray(0, 80 + 3 * (CHUNK + 17));
    scene.write("object", object);
    const taken = await portail.run(["s3crypt", "decrypt", "object", "taken"], { env });
    expect(taken.status).toBe(0);
    expect(taken.stderr).toContain("warn nothing shows that object ends where it was ended");
    expect(readFileSync(scene.path("taken")).equals(plain.subarray(0, 3 * CHUNK))).toBe(true);
    const refused = await portail.run(["s3crypt", "decrypt", "--require-final", "object", "refused"], { env });
    expect([refused.status, existsSync(scene.path("refused"))]).toEqual([65, false]);
    expect(refused.stderr).toContain("[s3crypt.unproven_end]");
    const later = ["s3crypt", "decrypt", "--require-final", "--from", "2", "object", "later"];
    expect((await portail.run(later, { env })).status).toBe(0);
    const inspected = await portail.run(["s3crypt", "inspect", "--json", "object"], { env });
    expect(JSON.parse(inspected.stdout)).toMatchObject({ format: "ds2", key: "1", plain: 3 * CHUNK, end: "unproven" });
  });

  test("plaintext is passed through where that is allowed, with a warning or without", async () => {
    scene.write("object", "not encrypted\n");
    const allowed = await portail.run(["s3crypt", "decrypt", "--plaintext=allow", "object"], { env });
    expect(allowed).toEqual({ status: 0, stdout: "not encrypted\n", stderr: "" });
    const warned = await portail.run(["s3crypt", "decrypt", "--plaintext=warn", "object"], { env });
    expect(warned).toMatchObject({ status: 0, stdout: "not encrypted\n" });
    expect(warned.stderr).toContain("warn object is not encrypted");
  });
});
