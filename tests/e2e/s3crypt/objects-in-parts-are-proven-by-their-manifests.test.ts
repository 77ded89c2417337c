/** Objects in parts that are copied, or that a real Swift is made to spoil: the manifest goes where they go, and nothing wrong is served. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { openPartsStage, PART, SECOND, tag, WHOLE, type PartsStage } from "../../support/parts-stage.ts";
import { begin, askSigned, complete, elementOf } from "../../support/s3-signed.ts";
import type { S3Place } from "../../support/s3-clients/client.ts";
import { scenario } from "../../support/scenario.ts";
import type { StorageProxy } from "../../support/storage-proxy.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";

scenario(
  import.meta.file,
  [...SWIFT_NEEDS],
  ({ scene, portail }) => {
    let stage: PartsStage;
    let place: S3Place;
    let proxy: StorageProxy;
    beforeAll(async () => {
      stage = await openPartsStage(scene, portail);
      ({ place, proxy } = stage.first);
    }, 60_000);

    describe("copies", () => {
      test("a part is made of ranges of other objects, in parts or not, and the storage sees none of it", async () => {
        await stage.store("source");
        expect((await askSigned(place, "PUT", "plain source", { body: SECOND })).status).toBe(200);
        const id = await begin(place, "copied");
        const copyPart = async (part: number, source: string, range?: string) => {
          const headers = { "x-amz-copy-source": source, ...(range && { "x-amz-copy-source-range": range }) };
          const answer = await askSigned(place, "PUT", `copied?partNumber=${part}&uploadId=${encodeURIComponent(id)}`, {
            headers,
          });
          return { status: answer.status, tag: elementOf(answer.text, "ETag") };
        };
        expect(await copyPart(1, "/parts/source")).toEqual({ status: 200, tag: tag(WHOLE) });
        const middle = WHOLE.subarray(PART - 7, PART + 5);
        expect(await copyPart(2, "parts/source", `bytes=${PART - 7}-${PART + 4}`)).toEqual({
          status: 200,
          tag: tag(middle),
        });
        expect(await copyPart(3, "/parts/plain%20source", "bytes=1-9")).toEqual({
          status: 200,
          tag: tag(SECOND.subarray(1, 10)),
        });
        expect((await copyPart(4, "/parts/source", `bytes=0-${WHOLE.length}`)).status).toBe(400);
        expect((await copyPart(4, "/parts/missing")).status).toBe(404);
        // Swift wants 5 MiB of all parts but the last.
        const done = await complete(place, "copied", id, [
          [1, tag(WHOLE)],
          [2, tag(middle)],
        ]);
        expect(done.status).toBe(200);
        const got = await askSigned(place, "GET", "copied");
        expect(got.bytes.equals(Buffer.concat([WHOLE, middle]))).toBe(true);
      });

      test("a bucket that clients see empty can be deleted, and no other", async () => {
        const own = { ...place, bucket: "short-lived" };
        expect((await askSigned(own, "PUT", "")).status).toBe(200);
        await stage.store("one", own);
        await stage.store("two", own);
        expect((await askSigned(own, "DELETE", "one")).status).toBe(204);
        const kept = await askSigned(own, "DELETE", "");
        expect([kept.status, kept.text]).toEqual([409, expect.stringContaining("BucketNotEmpty")]);
        expect((await askSigned(own, "GET", "two")).bytes.equals(WHOLE)).toBe(true);
        expect(await stage.names("/short-lived?prefix=.s3crypt/")).toHaveLength(2);
        expect((await askSigned(own, "DELETE", "two")).status).toBe(204);
        expect((await askSigned(own, "DELETE", "")).status).toBe(204);
        expect((await askSigned(own, "HEAD", "")).status).toBe(404);
      });

      test("into another bucket the manifest goes ahead", async () => {
        await stage.swift.makeContainer("elsewhere");
        const name = await stage.manifestOf(() => stage.store("moved"));
        const there = { ...place, bucket: "elsewhere" };
        const headers = { "x-amz-copy-source": "/parts/moved" };
        expect((await askSigned(there, "PUT", "moved", { headers })).status).toBe(200);
        expect((await stage.swift.ask("HEAD", `/elsewhere/${name}`)).status).toBe(200);
        const { place: strict } = await stage.proxy({ keyring: proxy, args: ["--require-final"] });
        const got = await askSigned({ ...strict, bucket: "elsewhere" }, "GET", "moved");
        expect(got.bytes.equals(WHOLE)).toBe(true);
        expect(got.headers.get("etag")).toMatch(/^"[0-9a-f]{32}-2"$/);
      });
    });

    describe("objects", () => {
      const range = { headers: { Range: `bytes=${PART - 5}-${PART + 4}` } };
      const wanted = WHOLE.subarray(PART - 5, PART + 5);

      test("without their manifest they are read, and called unproven; or refused where that is demanded", async () => {
        const name = await stage.manifestOf(() => stage.store("bare"));
        expect((await stage.swift.ask("DELETE", `/parts/${name}`)).status).toBe(204);
        const { place: fresh, proxy: own } = await stage.proxy({ keyring: proxy });
        expect((await askSigned(fresh, "HEAD", "bare")).headers.get("content-length")).toBe(String(WHOLE.length));
        expect((await askSigned(fresh, "GET", "bare", range)).bytes.equals(wanted)).toBe(true);
        expect((await askSigned(fresh, "GET", "bare")).bytes.equals(WHOLE)).toBe(true);
        await own.trail.record("object", ({ operation, end }) => operation === "GetObject" && end === "unproven");
        const { place: strict } = await stage.proxy({ keyring: proxy, args: ["--require-final"] });
        for (const [method, more] of [
          ["GET", {}],
          ["GET", range],
        ] as const)
          expect((await askSigned(strict, method, "bare", more)).status).toBe(502);
        await stage.store("good");
        expect((await askSigned(strict, "GET", "good")).bytes.equals(WHOLE)).toBe(true);
      });

      test("fetched from the storage as a whole they are decrypted, inspected and verified", async () => {
        await stage.store("fetched");
        const file = scene.write("fetched", (await stage.swift.ask("GET", "/parts/fetched")).bytes);
        const env = { DS_KEYRING: proxy.keyringFile, DS_PASSWORD: proxy.password.toString() };
        const plain = scene.path("fetched-plain");
        const decrypted = await portail.run(["s3crypt", "decrypt", file, plain], { env });
        expect([decrypted.status, decrypted.stderr]).toEqual([0, expect.stringContaining("has all of its parts")]);
        expect(readFileSync(plain).equals(WHOLE)).toBe(true);
        const inspected = await portail.run(
          ["s3crypt", "inspect", "--json", "--keyring-file", proxy.keyringFile, file],
          { env },
        );
        expect(JSON.parse(inspected.stdout)).toMatchObject({
          format: "v3",
          parts: 2,
          plain: WHOLE.length,
          end: "unproven",
        });
        expect((await portail.run(["s3crypt", "verify", file], { env })).status).toBe(0);
        const strict = await portail.run(["s3crypt", "decrypt", "--require-final", file, scene.path("strict")], {
          env,
        });
        expect([strict.status, strict.stderr]).toEqual([65, expect.stringContaining("s3crypt.unproven_end")]);
      });

      test("with a manifest that was changed, or of another object, they are refused", async () => {
        const [mine, other] = [
          await stage.manifestOf(() => stage.store("mine")),
          await stage.manifestOf(() => stage.store("other")),
        ];
        const stored = stage.swift.stored("parts", mine);
        const forged = [
          Buffer.from(stored.with(stored.length - 1, stored.at(-1)! ^ 1)),
          stored.subarray(0, stored.length - 64),
          stage.swift.stored("parts", other),
          Buffer.alloc(0),
        ];
        for (const body of forged) {
          await stage.swift.ask("PUT", `/parts/${mine}`, { body: Uint8Array.from(body) });
          const { place: fresh } = await stage.proxy({ keyring: proxy });
          expect((await askSigned(fresh, "GET", "mine")).status).toBe(502);
          expect((await askSigned(fresh, "GET", "mine", range)).status).toBe(502);
        }
      });

      test("with parts that were dropped or taken from elsewhere, they are refused", async () => {
        for (const [key, spoil] of [
          ["dropped", (first: Buffer) => first],
          ["mixed", (first: Buffer, _: Buffer, foreign: Buffer) => Buffer.concat([first, foreign])],
          ["swapped", (first: Buffer, second: Buffer) => Buffer.concat([second, first])],
        ] as [string, (...parts: Buffer[]) => Buffer][]) {
          await stage.store(key);
          await stage.store(`${key}-other`);
          const [first, second] = await stage.segments(key);
          const [, foreign] = await stage.segments(`${key}-other`);
          const { headers } = await stage.swift.ask("HEAD", `/parts/${key}`);
          const mark = headers.get("x-object-meta-s3crypt")!;
          const body = Uint8Array.from(spoil(first!, second!, foreign!));
          await stage.swift.ask("PUT", `/parts/${key}`, { body, headers: { "x-object-meta-s3crypt": mark } });
          const { place: fresh } = await stage.proxy({ keyring: proxy });
          for (const at of [place, fresh]) {
            const answer = await askSigned(at, "GET", key).catch(() => undefined);
            expect(answer === undefined || answer.status === 502).toBe(true);
            const part = await askSigned(at, "GET", key, range).catch(() => undefined);
            expect(part === undefined || part.status === 502).toBe(true);
          }
        }
      });
    });
  },
  ["source"],
);
