/** A real OpenStack Swift behind the proxy: tokens, TempURLs, metadata, ranges, listings, copies; on its disk is ciphertext. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { curlAnswer } from "../../support/curl-answer.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { needing } from "../../support/needs.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { Scene } from "../../support/scene.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { openSwift, SWIFT_NEEDS, type Swift } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

setDefaultTimeout(90_000);
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
/** Seconds since 1970; far from now. */
const LATER = 4_000_000_000;

needing(
  "Swift keeps ciphertext for clients with tokens and temporary URLs",
  ["curl", LIBSODIUM, ...SWIFT_NEEDS],
  () => {
    const scene = new Scene();
    afterAll(() => scene.close());
    let swift: Swift;
    beforeAll(async () => {
      swift = await openSwift(scene);
    });

    describe.each(FORMS.map((form, i) => [["ds2", "v3"][i]!, form] as const))("%s", (format, form) => {
      const container = `box-${format}`;
      let proxy: StorageProxy;
      beforeAll(async () => {
        const portail = new Portail(form, scene);
        const args = ["--write-format", format, "--backend-connection-timeout", "5s"];
        proxy = await StorageProxy.open(scene, portail, { upstream: `${swift.url}/`, args });
      });

      const place = (key: string) => `/upstream${swift.storage}/${container}${key}`;
      const ask = async (key: string, ...args: string[]) =>
        curlAnswer(scene, proxy.url(place(key)), ["-H", `X-Auth-Token: ${await swift.token()}`, ...args]);
      const put = (key: string, bytes: Uint8Array, ...args: string[]) =>
        ask(key, "-T", scene.write("file", bytes), ...args);

      test("a container is made through it, and who has no token may nothing", async () => {
        expect((await ask("", "-X", "PUT")).status).toBe(201);
        expect((await curlAnswer(scene, proxy.url(place("")))).status).toBe(401);
        const file = scene.write("file", content(3_000_000));
        expect((await curlAnswer(scene, proxy.url(place("/x")), ["-T", file])).status).toBe(401);
      });

      test.each([0, 1, 16_384, 65_536, 65_537, 3_000_000])(
        "%d bytes lie there encrypted, and come back",
        async (size) => {
          const bytes = content(size);
          const key = `/of ${size}`.replace(" ", "%20");
          const stored = await put(key, bytes, "-H", "X-Object-Meta-Colour: blue", "-H", "Content-Type: image/x-test");
          expect([stored.status, stored.fields.get("etag")]).toEqual([201, `"${md5(bytes)}"`]);
          const lies = swift.stored(container, `of ${size}`);
          if (format === "ds2") expect(readSodiumObject(lies, proxy.keys).plain.equals(bytes)).toBe(true);
          else expect(lies.subarray(0, 32).toString()).toBe("J'apercus l'audacieux capitaine.");
          const got = await ask(key);
          expect(got.body.equals(bytes)).toBe(true);
          const head = await ask(key, "-I");
          for (const { status, fields } of [got, head]) {
            expect([status, fields.get("content-length"), fields.get("content-type")]).toEqual([
              200,
              String(size),
              "image/x-test",
            ]);
            expect(fields.get("x-object-meta-colour")).toBe("blue");
            expect(fields.get("x-object-meta-s3crypt")).toBeUndefined();
          }
        },
      );

      test("the tag of a small object is the MD5 of its plaintext, and conditions hold against it", async () => {
        const bytes = content(50_000);
        await put("/tagged", bytes);
        const tag = `"${md5(bytes)}"`;
        expect((await ask("/tagged", "-I")).fields.get("etag")).toBe(tag);
        expect((await ask("/tagged", "-H", `If-None-Match: ${tag}`)).status).toBe(304);
        expect((await ask("/tagged", "-H", `If-Match: ${tag}`, "-r", "5-9")).body.equals(bytes.subarray(5, 10))).toBe(
          true,
        );
        expect((await ask("/tagged", "-H", 'If-Match: "x"')).status).toBe(412);
        expect((await put("/tagged", bytes, "-H", "If-None-Match: *")).status).toBe(412);
      });

      test("metadata that is changed by POST loses what is kept beside an object, and sizes are true all the same", async () => {
        const bytes = content(70_000);
        await put("/posted", bytes);
        expect((await ask("/posted", "-X", "POST", "-H", "X-Object-Meta-Colour: red")).status).toBe(202);
        const head = await ask("/posted", "-I");
        expect([head.fields.get("content-length"), head.fields.get("x-object-meta-colour")]).toEqual(["70000", "red"]);
        expect((await ask("/posted")).body.equals(bytes)).toBe(true);
      });

      test("a copy that the storage makes is read like the original", async () => {
        const bytes = content(30_000);
        await put("/original", bytes);
        expect((await ask("/original", "-X", "COPY", "-H", `Destination: ${container}/copy`)).status).toBe(201);
        const linked = await ask(
          "/again",
          "-X",
          "PUT",
          "-H",
          `X-Copy-From: ${container}/original`,
          "-H",
          "Content-Length: 0",
        );
        expect(linked.status).toBe(201);
        for (const key of ["/copy", "/again"]) {
          const { body, fields } = await ask(key);
          expect([body.equals(bytes), fields.get("etag")]).toEqual([true, `"${md5(bytes)}"`]);
        }
      });

      test("a listing passes, and what is removed is gone", async () => {
        await put("/gone", content(10));
        expect((await ask("?prefix=gone")).body.toString()).toBe("gone\n");
        expect((await ask("/gone", "-X", "DELETE")).status).toBe(204);
        expect((await ask("/gone")).status).toBe(404);
        expect((await ask("/gone", "-I")).status).toBe(404);
      });

      test("an upload that is not what its ETag says leaves nothing", async () => {
        for (const size of [100, 3_000_000]) {
          const { status } = await put("/wrong", content(size), "-H", `ETag: ${md5(Buffer.of(1))}`);
          expect(status).toBe(422);
          expect((await ask("/wrong")).status).toBe(404);
        }
        const bytes = content(3_000_000);
        expect((await put("/right", bytes, "-H", `ETag: ${md5(bytes)}`)).status).toBe(201);
        expect((await ask("/right", "-I")).fields.get("etag")).toBe(`"${md5(bytes)}"`);
      });

      test("temporary URLs write and read, and nothing else", async () => {
        const bytes = content(200_000);
        const path = `${swift.storage}/${container}/temporary`;
        const url = (method: string) => proxy.url(`/upstream${path}?${swift.tempUrlQuery(method, path, LATER)}`);
        const file = scene.write("file", bytes);
        expect((await curlAnswer(scene, url("PUT"), ["-T", file])).status).toBe(201);
        expect(swift.stored(container, "temporary").includes(bytes.subarray(0, 64))).toBe(false);
        expect((await curlAnswer(scene, url("GET"))).body.equals(bytes)).toBe(true);
        expect((await curlAnswer(scene, url("GET"), ["-I"])).fields.get("content-length")).toBe("200000");
        expect((await curlAnswer(scene, url("GET"), ["-T", file])).status).toBe(401);
        expect((await curlAnswer(scene, `${url("GET")}0`)).status).toBe(401);
      });
    });
  },
);
