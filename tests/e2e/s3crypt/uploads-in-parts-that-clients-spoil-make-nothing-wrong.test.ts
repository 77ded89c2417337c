/** Uploads in parts that clients spoil, on a real Swift: nothing half is made, and nothing of it is left behind. */
import { beforeAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import {
  BOTH,
  FIRST,
  md5,
  openPartsStage,
  PART,
  SECOND,
  tag,
  WHOLE,
  type PartsStage,
} from "../../support/parts-stage.ts";
import { begin, askSigned, complete, put } from "../../support/s3-signed.ts";
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

    test("a part sent again with other bytes shares nothing with the first, and the last one counts", async () => {
      const id = await begin(place, "retried");
      const other = Uint8Array.from(randomBytes(PART));
      stage.relay.forget();
      expect((await put(place, "retried", id, 1, other)).headers.get("etag")).toBe(tag(other));
      const [before] = await stage.segments("retried");
      expect((await put(place, "retried", id, 1, FIRST)).headers.get("etag")).toBe(tag(FIRST));
      const [after] = await stage.segments("retried");
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
      const id = await stage.upload("a");
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
      const id = await stage.upload("wrong");
      const before = await stage.manifests();
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
      expect(await stage.manifests()).toEqual(before);
    });

    test("completed a second time it is the same object, with other parts it is none", async () => {
      const id = await stage.upload("again");
      const [first, second] = await Promise.all([
        complete(place, "again", id, BOTH),
        complete(place, "again", id, BOTH),
      ]);
      expect([first.status, second.status]).toEqual([200, 200]);
      expect(second.text).toBe(first.text);
      expect((await complete(place, "again", id, BOTH)).text).toBe(first.text);
      expect((await complete(place, "again", id, BOTH.slice(1))).status).toBe(404);
      expect((await askSigned(place, "GET", "again")).bytes.equals(WHOLE)).toBe(true);
      expect((await askSigned(place, "PUT", "again", { body: SECOND })).status).toBe(200);
      expect((await complete(place, "again", id, BOTH)).status).toBe(404);
    });

    test("what the storage answers half-way leaves no object, and what it says is handed on", async () => {
      const id = await stage.upload("unlucky");
      for (const broken of [/^PUT \S*s3crypt/, /^POST \S*unlucky/]) {
        stage.relay.script = ({ method, target }) =>
          broken.test(`${method} ${target}`) ? { kind: "answer", status: 500, after: 0 } : undefined;
        expect((await complete(place, "unlucky", id, BOTH)).status).toBeGreaterThanOrEqual(500);
        expect((await askSigned(place, "HEAD", "unlucky")).status).toBe(404);
      }
      stage.relay.script = ({ method, target }) =>
        /^PUT \S*partNumber=2/.test(`${method} ${target}`) ? { kind: "reset", of: "request", after: 500 } : undefined;
      expect((await put(place, "unlucky", id, 2, SECOND)).status).toBe(502);
      stage.relay.script = () => undefined;
      expect((await complete(place, "unlucky", id, BOTH)).status).toBe(200);
      expect((await askSigned(place, "GET", "unlucky")).bytes.equals(WHOLE)).toBe(true);
    });

    test("lists are of the plaintext, and what they name can be aborted", async () => {
      const id = await stage.upload("listed");
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
        const id = await stage.upload(key);
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
      const name = await stage.manifestOf(() => stage.store("own"));
      for (const method of ["GET", "HEAD", "PUT", "DELETE"])
        expect((await askSigned(place, method, name, method === "PUT" ? { body: "x" } : {})).status).toBe(403);
      const list = await askSigned(place, "GET", "?list-type=2");
      expect(list.text).toContain("<Key>own</Key>");
      expect(list.text).not.toContain("s3crypt");
      const deletion = `<Delete><Object><Key>${name}</Key></Object></Delete>`;
      const headers = { "Content-MD5": createHash("md5").update(deletion).digest("base64") };
      expect((await askSigned(place, "POST", "?delete", { body: deletion, headers })).status).toBe(403);
      expect(await stage.manifests()).toContain(name);
    });
  },
  ["source"],
);
