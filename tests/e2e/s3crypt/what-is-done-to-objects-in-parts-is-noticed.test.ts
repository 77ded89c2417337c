/** Uploads in parts that clients spoil, and objects in parts that a real Swift is made to spoil: nothing wrong is served, and nothing half is made. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { begin, askSigned, complete, elementOf, put } from "../../support/s3-signed.ts";
import type { S3Place } from "../../support/s3-clients/client.ts";
import { openS3Stage, type S3Stage } from "../../support/s3-stage.ts";
import { scenario } from "../../support/scenario.ts";
import type { StorageProxy } from "../../support/storage-proxy.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const PART = 5 << 20;
const FIRST = content(PART);
const SECOND = content(1000);
const WHOLE = Buffer.concat([FIRST, SECOND]);
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest();
const tag = (bytes: Uint8Array) => `"${md5(bytes).toString("hex")}"`;

scenario(
  import.meta.file,
  [...SWIFT_NEEDS],
  ({ scene, portail }) => {
    let stage: S3Stage;
    let place: S3Place;
    let proxy: StorageProxy;
    beforeAll(async () => {
      stage = await openS3Stage(scene, portail, "parts");
      ({ place, proxy } = await stage.proxy());
    }, 60_000);

    const upload = async (key: string, at = place, parts = [FIRST, SECOND]) => {
      const id = await begin(at, key);
      for (const [i, part] of parts.entries()) expect((await put(at, key, id, i + 1, part)).status).toBe(200);
      return id;
    };
    const store = async (key: string, at = place) => {
      const id = await upload(key, at);
      expect(
        (
          await complete(at, key, id, [
            [1, tag(FIRST)],
            [2, tag(SECOND)],
          ])
        ).status,
      ).toBe(200);
    };
    const names = async (of: string) => {
      const { bytes } = await stage.swift.ask("GET", of);
      return Buffer.from(bytes).toString().split("\n").filter(Boolean);
    };
    const manifests = () => names("/parts?prefix=.s3crypt/");
    /** Of an upload or an object, the parts as they lie in Swift. */
    const segments = async (key: string) =>
      (await names(`/parts+segments?prefix=${key}/`))
        .filter((name) => /\/[0-9]+$/.test(name))
        .map((name) => stage.swift.stored("parts+segments", name));
    const manifestOf = async (make: () => Promise<void>) => {
      const before = new Set(await manifests());
      await make();
      const [made, ...more] = (await manifests()).filter((name) => !before.has(name));
      expect(more).toEqual([]);
      return made!;
    };

    describe("uploads", () => {
      test("a part sent again with other bytes shares nothing with the first, and the last one counts", async () => {
        const id = await begin(place, "retried");
        const other = Uint8Array.from(randomBytes(PART));
        stage.relay.forget();
        expect((await put(place, "retried", id, 1, other)).headers.get("etag")).toBe(tag(other));
        const [before] = await segments("retried");
        expect((await put(place, "retried", id, 1, FIRST)).headers.get("etag")).toBe(tag(FIRST));
        const [after] = await segments("retried");
        // Wrapped key with its nonce, salt, commitment.
        for (const [from, to] of [
          [88, 112],
          [112, 160],
          [160, 184],
          [184, 216],
        ] as const)
          expect(after!.subarray(from, to).equals(before!.subarray(from, to))).toBe(false);
        const wrong = await complete(place, "retried", id, [[1, tag(other)]]);
        expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining("InvalidPart")]);
        const done = await complete(place, "retried", id, [[1, tag(FIRST)]]);
        expect(done.status).toBe(200);
        expect(done.text).toContain(`${createHash("md5").update(md5(FIRST)).digest("hex")}-1`);
        expect((await askSigned(place, "GET", "retried")).bytes.equals(FIRST)).toBe(true);
      });

      test("ids of another key, and made up ones, are none", async () => {
        const id = await upload("a");
        for (const [key, other] of [
          ["b", id],
          ["a", `${id.slice(0, -1)}${id.endsWith("A") ? "B" : "A"}`],
          ["a", id.split(".")[0]!],
        ] as const) {
          stage.relay.forget();
          const query = `uploadId=${encodeURIComponent(other)}`;
          for (const answer of [
            await put(place, key, other, 1, SECOND),
            await complete(place, key, other, [[1, tag(FIRST)]]),
            await askSigned(place, "GET", `${key}?${query}`),
            await askSigned(place, "DELETE", `${key}?${query}`),
          ])
            expect([answer.status, answer.text]).toEqual([404, expect.stringContaining("NoSuchUpload")]);
          expect(stage.relay.exchanges).toEqual([]);
        }
        expect((await askSigned(place, "DELETE", `a?uploadId=${encodeURIComponent(id)}`)).status).toBe(204);
      });

      test("parts that are missing, of another tag or out of order make no object and leave no manifest", async () => {
        const id = await upload("wrong");
        const before = await manifests();
        const lists: [number, string][][] = [
          [
            [1, tag(FIRST)],
            [3, tag(SECOND)],
          ],
          [
            [1, tag(SECOND)],
            [2, tag(SECOND)],
          ],
          [[1, "x"]],
          [
            [2, tag(SECOND)],
            [1, tag(FIRST)],
          ],
          [],
        ];
        for (const list of lists) expect((await complete(place, "wrong", id, list)).status).toBe(400);
        expect((await askSigned(place, "HEAD", "wrong")).status).toBe(404);
        // Swift itself refuses a part that is not the last and too small: by then the manifest was written.
        expect((await put(place, "wrong", id, 1, SECOND)).status).toBe(200);
        const small = await complete(place, "wrong", id, [
          [1, tag(SECOND)],
          [2, tag(SECOND)],
        ]);
        expect([small.status, small.text]).toEqual([400, expect.stringContaining("EntityTooSmall")]);
        expect(await manifests()).toEqual(before);
      });

      test("completed a second time it is the same object, with other parts it is none", async () => {
        const id = await upload("again");
        const list: [number, string][] = [
          [1, tag(FIRST)],
          [2, tag(SECOND)],
        ];
        const [first, second] = await Promise.all([
          complete(place, "again", id, list),
          complete(place, "again", id, list),
        ]);
        expect([first.status, second.status]).toEqual([200, 200]);
        expect(second.text).toBe(first.text);
        expect((await complete(place, "again", id, list)).text).toBe(first.text);
        expect((await complete(place, "again", id, list.slice(1))).status).toBe(404);
        expect((await askSigned(place, "GET", "again")).bytes.equals(WHOLE)).toBe(true);
        expect((await askSigned(place, "PUT", "again", { body: SECOND })).status).toBe(200);
        expect((await complete(place, "again", id, list)).status).toBe(404);
      });

      test("what the storage answers half-way leaves no object, and what it says is handed on", async () => {
        const id = await upload("unlucky");
        const list: [number, string][] = [
          [1, tag(FIRST)],
          [2, tag(SECOND)],
        ];
        for (const broken of [/^PUT \S*s3crypt/, /^POST \S*unlucky/]) {
          stage.relay.script = ({ method, target }) =>
            broken.test(`${method} ${target}`) ? { kind: "answer", status: 500, after: 0 } : undefined;
          expect((await complete(place, "unlucky", id, list)).status).toBeGreaterThanOrEqual(500);
          expect((await askSigned(place, "HEAD", "unlucky")).status).toBe(404);
        }
        stage.relay.script = ({ method, target }) =>
          /^PUT \S*partNumber=2/.test(`${method} ${target}`) ? { kind: "reset", of: "request", after: 500 } : undefined;
        expect((await put(place, "unlucky", id, 2, SECOND)).status).toBe(502);
        stage.relay.script = () => undefined;
        expect((await complete(place, "unlucky", id, list)).status).toBe(200);
        expect((await askSigned(place, "GET", "unlucky")).bytes.equals(WHOLE)).toBe(true);
      });

      test("lists are of the plaintext, and what they name can be aborted", async () => {
        const id = await upload("listed");
        const parts = await askSigned(place, "GET", `listed?uploadId=${encodeURIComponent(id)}`);
        expect(parts.text).toContain(`<Size>${PART}</Size>`);
        expect(parts.text).toContain("<Size>1000</Size>");
        expect(parts.text).toContain(md5(FIRST).toString("hex"));
        const uploads = await askSigned(place, "GET", "?uploads&prefix=listed");
        const [, found] = /<UploadId>([^<]*)<\/UploadId>/.exec(uploads.text)!;
        expect((await put(place, "listed", found!, 3, SECOND)).status).toBe(404);
        expect((await askSigned(place, "DELETE", `listed?uploadId=${encodeURIComponent(found!)}`)).status).toBe(204);
        expect((await put(place, "listed", id, 3, SECOND)).status).toBe(404);
      });

      test("a proxy that knows nothing of the parts completes them, and holds them to the tags that were named", async () => {
        const { place: other } = await stage.proxy({ keyring: proxy });
        for (const [key, named] of [
          ["handed", tag(FIRST)],
          ["mistaken", tag(SECOND)],
        ] as const) {
          const id = await upload(key);
          expect(
            (
              await complete(other, key, id, [
                [1, named],
                [2, tag(SECOND)],
              ])
            ).status,
          ).toBe(200);
        }
        expect((await askSigned(other, "GET", "handed")).bytes.equals(WHOLE)).toBe(true);
        await expect(askSigned(other, "GET", "mistaken")).rejects.toThrow();
      });

      test("keys of the proxy's own are out of reach", async () => {
        const name = await manifestOf(() => store("own"));
        for (const method of ["GET", "HEAD", "PUT", "DELETE"])
          expect((await askSigned(place, method, name, method === "PUT" ? { body: "x" } : {})).status).toBe(403);
        const list = await askSigned(place, "GET", "?list-type=2");
        expect(list.text).toContain("<Key>own</Key>");
        expect(list.text).not.toContain("s3crypt");
        const deletion = `<Delete><Object><Key>${name}</Key></Object></Delete>`;
        const headers = { "Content-MD5": createHash("md5").update(deletion).digest("base64") };
        expect((await askSigned(place, "POST", "?delete", { body: deletion, headers })).status).toBe(403);
        expect(await manifests()).toContain(name);
      });
    });

    describe("copies", () => {
      test("a part is made of ranges of other objects, in parts or not, and the storage sees none of it", async () => {
        await store("source");
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
        await store("one", own);
        await store("two", own);
        expect((await askSigned(own, "DELETE", "one")).status).toBe(204);
        const kept = await askSigned(own, "DELETE", "");
        expect([kept.status, kept.text]).toEqual([409, expect.stringContaining("BucketNotEmpty")]);
        expect((await askSigned(own, "GET", "two")).bytes.equals(WHOLE)).toBe(true);
        expect(await names("/short-lived?prefix=.s3crypt/")).toHaveLength(2);
        expect((await askSigned(own, "DELETE", "two")).status).toBe(204);
        expect((await askSigned(own, "DELETE", "")).status).toBe(204);
        expect((await askSigned(own, "HEAD", "")).status).toBe(404);
      });

      test("into another bucket the manifest goes ahead", async () => {
        await stage.swift.makeContainer("elsewhere");
        const name = await manifestOf(() => store("moved"));
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
        const name = await manifestOf(() => store("bare"));
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
        await store("good");
        expect((await askSigned(strict, "GET", "good")).bytes.equals(WHOLE)).toBe(true);
      });

      test("fetched from the storage as a whole they are decrypted, inspected and verified", async () => {
        await store("fetched");
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
        const [mine, other] = [await manifestOf(() => store("mine")), await manifestOf(() => store("other"))];
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
          await store(key);
          await store(`${key}-other`);
          const [first, second] = await segments(key);
          const [, foreign] = await segments(`${key}-other`);
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
