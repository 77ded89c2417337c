/** Ranges through the proxy: bytes are counted at the storage, which is nginx. */
import { beforeAll, describe, expect, test } from "bun:test";
import { unlink } from "node:fs/promises";
import { curlAnswer } from "../../support/curl-answer.ts";
import { curl } from "../../support/curl.ts";
import { Dav } from "../../support/dav.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { scenario } from "../../support/scenario.ts";
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { until } from "../../support/until.ts";
import { content } from "../../support/web.ts";

const MIB = 1024 * 1024;
const SIZE = 24 * MIB;
const LONG = process.env["PORTAIL_LONG"] === "1";
const COLD = { ranges: LONG ? 128 : 24, range: LONG ? 8 * MIB : MIB, atOnce: LONG ? 16 : 24 };
/** What opens a range beside its own bytes: the beginning, chunks that it shares, requests that end a little late. */
const BESIDE = 256 * 1024;

scenario(import.meta.file, ["curl", "nginx", LIBSODIUM], ({ scene, portail }) => {
  const bytes = content(SIZE);
  let dav: Dav;
  let proxy: StorageProxy;
  beforeAll(async () => {
    dav = await Dav.open(scene);
    proxy = await StorageProxy.open(scene, portail, {
      upstream: `http://127.0.0.1:${dav.port}/`,
      args: ["--write-format", "v3"],
    });
  });

  /** The range, and what the storage sent for it. */
  async function range(name: string, first: number, last: number) {
    const before = dav.requests.length;
    const { status, fields, body } = await curlAnswer(scene, proxy.url(`/upstream/${name}`), [
      "-r",
      `${first}-${last}`,
    ]);
    expect([status, fields.get("content-range")]).toEqual([206, `bytes ${first}-${last}/${SIZE}`]);
    expect(body.equals(bytes.subarray(first, last + 1))).toBe(true);
    return settled(before);
  }

  /** Of all requests since; nginx logs one when it is over. */
  async function settled(before: number): Promise<number> {
    let seen = -1;
    await until("the storage to have written its log", async () => {
      const same = seen === dav.requests.length;
      seen = dav.requests.length;
      await Bun.sleep(20);
      return same && seen > before;
    });
    return dav.requests.slice(before).reduce((sum, { sent }) => sum + sent, 0);
  }

  test("of v3, anywhere and at once", async () => {
    const file = scene.write("file", bytes);
    expect((await curlAnswer(scene, proxy.url("/upstream/v3"), ["-T", file])).status).toBe(201);
    for (const first of [0, 16 * MIB + 5, SIZE - MIB]) {
      expect(await range("v3", first, first + MIB - 1)).toBeLessThan(MIB + BESIDE);
    }
  });

  describe("of ds2 objects that were there before", () => {
    test("what is before it is read once, and then never again", async () => {
      dav.write("old", writeSodiumObject({ key: proxy.keys.get(1n)!, keyId: 1n, plain: bytes }));
      expect(await range("old", SIZE - MIB, SIZE - 1)).toBeLessThan(SIZE + MIB);
      for (const first of [SIZE - MIB, 3 * MIB, 20 * MIB + 7]) {
        expect(await range("old", first, first + MIB - 1)).toBeLessThan(MIB + BESIDE);
      }
    });

    test(`a cold download in ${COLD.ranges} ranges, ${COLD.atOnce} at a time, reads little more than the object`, async () => {
      const size = COLD.ranges * COLD.range;
      const plain = content(size);
      dav.write("cold", writeSodiumObject({ key: proxy.keys.get(1n)!, keyId: 1n, plain }));
      const before = dav.requests.length;
      let next = 0;
      const take = async () => {
        for (let i = next++; i < COLD.ranges; i = next++) {
          const out = scene.path(`part-${i % COLD.atOnce}-${i}`);
          const [first, last] = [i * COLD.range, (i + 1) * COLD.range - 1];
          await curl(["-r", `${first}-${last}`, "-o", out, proxy.url("/upstream/cold")]);
          expect(Buffer.from(await Bun.file(out).bytes()).equals(plain.subarray(first, last + 1))).toBe(true);
          await unlink(out);
        }
      };
      await Promise.all(Array.from({ length: COLD.atOnce }, take));
      expect(await settled(before)).toBeLessThan(1.2 * size);
    }, 600_000);
  });

  test("an object that was replaced is read anew", async () => {
    const other = Buffer.alloc(SIZE, "other");
    dav.write("plain", bytes);
    expect(await range("plain", 5, 9)).toBeLessThan(BESIDE);
    dav.write("plain", other);
    const { body } = await curlAnswer(scene, proxy.url("/upstream/plain"), ["-r", "5-9"]);
    expect(body.toString()).toBe("other");
  });
});
