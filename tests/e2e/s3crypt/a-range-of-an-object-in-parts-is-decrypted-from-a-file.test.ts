/** An object in parts as it lies in a real Swift, in a file: `decrypt --range` gives what was uploaded, and reads little else. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { begin, complete, put } from "../../support/s3-signed.ts";
import { scenario } from "../../support/scenario.ts";
import { openS3Stage } from "../../support/s3-stage.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const PART = 5 << 20;
const PARTS = [content(PART), content(PART), content(1000)];
const ALL = Buffer.concat(PARTS);
const tag = (bytes: Uint8Array) => `"${createHash("md5").update(bytes).digest("hex")}"`;

scenario(import.meta.file, [...SWIFT_NEEDS], ({ scene, portail }) => {
  test("ranges within a part, across parts, and at the end", async () => {
    const stage = await openS3Stage(scene, portail, "parts");
    const { place, proxy } = await stage.proxy();
    const id = await begin(place, "o");
    for (const [i, part] of PARTS.entries()) expect((await put(place, "o", id, i + 1, part)).status).toBe(200);
    const listed = PARTS.map((part, i) => [i + 1, tag(part)] as const);
    expect((await complete(place, "o", id, listed)).status).toBe(200);
    scene.write("fetched", (await stage.swift.ask("GET", "/parts/o")).bytes);

    const env = { DS_KEYRING: proxy.keyringFile, DS_PASSWORD: String(proxy.password) };
    const decrypt = (...more: string[]) => portail.run(["s3crypt", "decrypt", ...more, "fetched", "part"], { env });
    for (const [range, from, to] of [
      ["0-9", 0, 10],
      [`${PART - 5}-${PART + 4}`, PART - 5, PART + 5],
      [`${PART + 70_000}-${PART + 70_999}`, PART + 70_000, PART + 71_000],
      [`1-${2 * PART}`, 1, 2 * PART + 1],
      ["-1001", ALL.length - 1001, ALL.length],
    ] as const) {
      const { status, stderr } = await decrypt(`--range=${range}`);
      expect([status, stderr]).toEqual([0, expect.stringContaining("nothing shows that fetched has all of its parts")]);
      expect(readFileSync(scene.path("part")).equals(ALL.subarray(from, to))).toBe(true);
    }
    const behind = await decrypt(`--range=${ALL.length}-`);
    expect([behind.status, behind.stderr]).toEqual([65, expect.stringContaining("[s3crypt.range]")]);
    const strict = await decrypt("--range=0-9", "--require-final");
    expect([strict.status, strict.stderr]).toEqual([65, expect.stringContaining("[s3crypt.unproven_end]")]);
  }, 120_000);
});
