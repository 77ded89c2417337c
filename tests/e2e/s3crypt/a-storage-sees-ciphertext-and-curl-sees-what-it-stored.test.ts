/** curl on one side, nginx as the storage on the other, libsodium to look at what lies there and to write what was there before. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { curlAnswer } from "../../support/curl-answer.ts";
import { Dav } from "../../support/dav.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { scenario } from "../../support/scenario.ts";
import { readSodiumObject, writeSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { content } from "../../support/web.ts";

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
/** As the format says, in terms of nothing of ours. */
const sealedLength = (size: number) => (size === 0 ? 0 : 80 + size + 17 * Math.ceil(size / 16_384));

scenario(import.meta.file, ["curl", "nginx", LIBSODIUM], ({ scene, portail }) => {
  let dav: Dav;
  let proxy: StorageProxy;
  const ask = (path: string, args: readonly string[] = [], stdin?: Uint8Array) =>
    curlAnswer(scene, proxy.url(path), args, stdin);

  test("it starts", async () => {
    dav = await Dav.open(scene);
    proxy = await StorageProxy.open(scene, portail, { upstream: `http://127.0.0.1:${dav.port}/jail` });
  });

  describe.each([0, 1, 1000, 16_383, 16_384, 16_385, 32_768, 32_769, 65_537, 3_000_000])("%d bytes", (size) => {
    const bytes = content(size);
    const name = `box/of-${size}`;

    test("are stored encrypted, of the length that the format says", async () => {
      const { status, fields } = await ask(`/upstream/${name}`, ["-T", scene.write("file", bytes)]);
      expect([status, fields.get("etag")]).toEqual([201, `"${md5(bytes)}"`]);
      const { plain, keyId, lastTag } = readSodiumObject(dav.read(`jail/${name}`)!, proxy.keys);
      expect(plain.equals(bytes)).toBe(true);
      if (size > 0) expect([keyId, lastTag]).toEqual([1n, 3]);
      expect((await dav.request("PUT", `/jail/${name}`)).length).toBe(String(sealedLength(size)));
    });

    test("come back", async () => {
      const { status, fields, body } = await ask(`/upstream/${name}`);
      expect([status, fields.get("content-length"), fields.get("transfer-encoding")]).toEqual([
        200,
        String(size),
        undefined,
      ]);
      expect(body.equals(bytes)).toBe(true);
    });

    test("have their size", async () => {
      const { status, fields } = await ask(`/upstream/${name}`, ["-I"]);
      expect([status, fields.get("content-length")]).toEqual([200, String(size)]);
    });

    test("are stored in chunks, where nobody says how many they will be", async () => {
      const { status } = await ask(`/upstream/${name}-chunks`, ["-T", "-"], bytes);
      expect(status).toBe(201);
      expect(readSodiumObject(dav.read(`jail/${name}-chunks`)!, proxy.keys).plain.equals(bytes)).toBe(true);
    });
  });

  describe("objects that are there already", () => {
    const bytes = content(40_001);

    test.each([
      ["of version 1, in chunks of 256", 1, 256, 0n],
      ["of version 2 without an end", 2, 16_384, 1n],
    ] as const)("%s", async (_, version, chunkSize, keyId) => {
      const key = proxy.keys.get(keyId)!;
      dav.write("jail/old", writeSodiumObject({ version, chunkSize, keyId, key, plain: bytes }));
      const { status, fields, body } = await ask("/upstream/old");
      expect([status, fields.get("content-length"), fields.get("transfer-encoding")]).toEqual([
        200,
        "40001",
        undefined,
      ]);
      expect(body.equals(bytes)).toBe(true);
      expect((await ask("/upstream/old", ["-I"])).fields.get("content-length")).toBe("40001");
      const line = await proxy.trail.record("object", ({ path, end }) => path === "/jail/old" && end !== undefined);
      expect([line.end, line.keyId, line.format]).toEqual(["unproven", String(keyId), "ds2"]);
      proxy.trail.forget();
    });

    test("that are not encrypted, with the tag that the storage gives them", async () => {
      dav.write("jail/plain", bytes);
      const { status, fields, body } = await ask("/upstream/plain");
      expect([status, fields.get("content-length")]).toEqual([200, "40001"]);
      expect(fields.get("etag")).toMatch(/^"[0-9a-f-]+"$/);
      expect(body.equals(bytes)).toBe(true);
      const head = await ask("/upstream/plain", ["-I"]);
      expect([head.fields.get("content-length"), head.fields.get("etag")]).toEqual(["40001", fields.get("etag")]);
    });
  });

  describe("ranges", () => {
    const bytes = content(100_000);

    test.each([
      ["0-10", 0, 10],
      ["16380-16390", 16_380, 16_390],
      ["99990-", 99_990, 99_999],
      ["-7", 99_993, 99_999],
      ["50000-200000", 50_000, 99_999],
      ["0-99999", 0, 99_999],
    ])("%s", async (range, first, last) => {
      if (dav.read("jail/ranged") === undefined) await ask("/upstream/ranged", ["-T", scene.write("file", bytes)]);
      const { status, fields, body } = await ask("/upstream/ranged", ["-r", range]);
      expect(status).toBe(206);
      expect(fields.get("content-range")).toBe(`bytes ${first}-${last}/100000`);
      expect(body.equals(bytes.subarray(first, last + 1))).toBe(true);
      expect(fields.get("content-length")).toBe(String(last - first + 1));
    });

    test("beyond the end are none", async () => {
      const { status, fields, body } = await ask("/upstream/ranged", ["-r", "100000-"]);
      expect([status, fields.get("content-range"), body.length]).toEqual([416, "bytes */100000", 0]);
    });

    test("that are nonsense are none", async () => {
      const { status, body } = await ask("/upstream/ranged", ["-H", "Range: bytes=9-3"]);
      expect([status, body.length]).toEqual([200, 100_000]);
    });
  });

  test("a listing, a missing object and a removal pass", async () => {
    expect((await ask("/upstream/box/")).body.toString()).toContain('<a href="of-1000">');
    expect((await ask("/upstream")).body.toString()).toContain('<a href="box/">');
    expect((await ask("/upstream/nothing")).status).toBe(404);
    expect((await ask("/upstream/box/of-1000", ["-X", "DELETE"])).status).toBe(204);
    expect(dav.read("jail/box/of-1000")).toBeUndefined();
  });

  test("content that is not what its checksum says is no object", async () => {
    for (const size of [1000, 3_000_000]) {
      const file = scene.write("file", content(size));
      const other = Buffer.from(md5(Buffer.of(1)), "hex").toString("base64");
      const wrong = await ask("/upstream/wrong", ["-T", file, "-H", `Content-MD5: ${other}`]);
      expect([wrong.status, wrong.fields.get("x-portail-error")]).toEqual([400, "bad_digest"]);
      const tagged = await ask("/upstream/wrong", ["-T", file, "-H", `ETag: ${md5(Buffer.of(1))}`]);
      expect([tagged.status, tagged.fields.get("x-portail-error")]).toEqual([422, "wrong_etag"]);
      expect(dav.read("jail/wrong")).toBeUndefined();
      const right = Buffer.from(md5(content(size)), "hex").toString("base64");
      expect((await ask(`/upstream/right-${size}`, ["-T", file, "-H", `Content-MD5: ${right}`])).status).toBe(201);
    }
  });

  test("what could carry an object past the cipher is refused", async () => {
    await dav.request("PUT", "/jail/right-3000000");
    const before = dav.requests.length;
    const file = scene.write("file", content(10));
    const attempts: string[][] = [
      ["-F", `a=@${file}`],
      ["-X", "PATCH", "-d", "a"],
      ["-X", "PROPFIND"],
      ["-X", "PUT", "-H", "X-Object-Manifest: box/of", "-d", ""],
      ["-X", "COPY", "-d", "a"],
    ];
    for (const args of attempts) {
      const { status, fields } = await ask("/upstream/box", args);
      expect([status, fields.get("x-portail-error")]).toEqual([501, "unsupported"]);
    }
    expect((await ask("/upstream/box?extract-archive=tar", ["-T", file])).status).toBe(501);
    expect((await ask("/upstream/box?multipart-manifest=put", ["-T", file])).status).toBe(501);
    expect((await ask("/elsewhere")).status).toBe(404);
    expect((await ask("/upstreams/box")).status).toBe(404);
    expect((await ask("/local/encrypt/x")).status).toBe(404);
    expect(dav.requests.length).toBe(before);
  });

  test("a drain ends it", async () => {
    proxy.program.signal("SIGTERM");
    expect(await proxy.program.ended).toBe(0);
    expect(proxy.trail.of("stop").length).toBe(1);
  });
});
