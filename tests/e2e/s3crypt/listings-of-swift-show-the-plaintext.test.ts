/** rclone and curl list containers of a real Swift behind the proxy: sizes and MD5s are those of the plaintext. */
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { curlAnswer } from "../../support/curl-answer.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, SWIFT_NEEDS, type Swift } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const BOX = "box";
const SMALL = content(20_000);
const LARGE = content(300_000);
const ODD = "in/a & <b> é\"'%41";
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

interface Listed {
  name: string;
  bytes: number;
  hash: string;
}

scenario(import.meta.file, ["curl", "rclone", ...SWIFT_NEEDS], ({ scene, portail }) => {
  let swift: Swift;
  let relay: StorageRelay;
  let proxy: StorageProxy;

  const ask = async (path: string, by = proxy, ...args: string[]) =>
    curlAnswer(scene, by.url(`/upstream${swift.storage}${path}`), [
      "-H",
      `X-Auth-Token: ${await swift.token()}`,
      ...args,
    ]);
  const put = (name: string, bytes: Uint8Array, ...args: string[]) =>
    ask(`/${BOX}/${encodeURIComponent(name)}`, proxy, "-T", scene.write("file", bytes), ...args);
  const listed = async (by = proxy) => {
    const { status, body } = await ask(`/${BOX}?format=json`, by);
    expect(status).toBe(200);
    return (JSON.parse(body.toString()) as Listed[]).map(({ name, bytes, hash }) => [name, bytes, hash]);
  };
  const raw = async () =>
    (JSON.parse(Buffer.from((await swift.ask("GET", `/${BOX}?format=json`)).bytes).toString()) as Listed[]).map(
      ({ name, bytes, hash }) => [name, bytes, hash] as const,
    );
  const EXPECTED = [
    ["empty", 0, md5(content(0))],
    [ODD, SMALL.length, md5(SMALL)],
    ["known", LARGE.length, md5(LARGE)],
    ["plain", 9, md5(Buffer.from("not ours\n"))],
    // Nobody knew its MD5 when its upload began.
    ["unknown", LARGE.length, ""],
  ];

  beforeAll(async () => {
    swift = await openSwift(scene);
    relay = await openStorageRelay(scene, swift.port);
    proxy = await StorageProxy.open(scene, portail, { upstream: `http://127.0.0.1:${relay.port}/` });
    await swift.makeContainer(BOX);
    await put("empty", content(0));
    await put(ODD, SMALL);
    await put("known", LARGE, "-H", `ETag: ${md5(LARGE)}`);
    await put("unknown", LARGE);
    await swift.ask("PUT", `/${BOX}/plain`, { body: "not ours\n" });
  }, 120_000);

  test("in JSON, and an object is looked at once for as long as it stays the same", async () => {
    relay.forget();
    expect(await listed()).toEqual(EXPECTED);
    expect(relay.matching(/^GET .*\/box\//).length).toBe(3);
    relay.forget();
    expect(await listed()).toEqual(EXPECTED);
    expect(relay.matching(/^GET .*\/box\//)).toEqual([]);
    await put("known", SMALL);
    expect(await listed()).toContainEqual(["known", SMALL.length, md5(SMALL)]);
    expect(relay.matching(/^GET .*\/box\//).length).toBe(1);
    await put("known", LARGE, "-H", `ETag: ${md5(LARGE)}`);
  });

  test("in XML, by a parameter and by Accept", async () => {
    for (const [query, ...args] of [["?format=xml"], ["", "-H", "Accept: application/xml"]] as const) {
      const text = (await ask(`/${BOX}${query}`, proxy, ...args)).body.toString();
      const objects = [...text.matchAll(/<hash>(.*?)<\/hash><bytes>(\d+)<\/bytes>/g)].map(([, hash, bytes]) => [
        Number(bytes),
        hash,
      ]);
      expect(objects).toEqual(EXPECTED.map(([, bytes, hash]) => [bytes!, hash!]));
      expect(text).toContain("<name>in/a &amp; &lt;b&gt; é");
    }
  });

  test("folders stay, and the text form is as the storage has it", async () => {
    const { body } = await ask(`/${BOX}?format=json&delimiter=/`);
    const entries = JSON.parse(body.toString()) as (Listed & { subdir?: string })[];
    expect(entries.filter(({ subdir }) => subdir !== undefined)).toEqual([{ subdir: "in/" } as never]);
    expect((await ask(`/${BOX}`)).body.toString().split("\n")).toEqual([...EXPECTED.map(([name]) => String(name)), ""]);
  });

  test("rclone sees them, and finds every file as it is here", async () => {
    for (const [name, bytes] of [
      ["known", LARGE],
      ["empty", content(0)],
      ["unknown", LARGE],
    ] as const)
      scene.write(`here/${name}`, bytes);
    const storage = proxy.url(`/upstream${swift.storage}`);
    const flags = ["--swift-storage-url", storage, "--swift-auth-token", await swift.token(), "--swift-no-chunk"];
    const list = await run(["rclone", "lsjson", "--hash", ...flags, `:swift:${BOX}`], { cwd: scene.folder });
    expect(list.stderr).not.toContain("ERROR");
    const found = JSON.parse(list.stdout) as { Path: string; Size: number; Hashes?: { md5?: string } }[];
    expect(found.find(({ Path }) => Path === "known")).toMatchObject({
      Size: LARGE.length,
      Hashes: { md5: md5(LARGE) },
    });
    expect(found.find(({ Path }) => Path === "unknown")!.Size).toBe(LARGE.length);
    const check = await run(["rclone", "check", "--one-way", ...flags, "here", `:swift:${BOX}`], { cwd: scene.folder });
    expect([check.status, check.stderr]).toEqual([0, expect.stringContaining("0 differences found")]);
  });

  test("raw is raw, and who may not list is shown nothing", async () => {
    const by = await StorageProxy.open(scene, portail, {
      upstream: `${swift.url}/`,
      keyring: proxy,
      args: ["--list-sizes", "raw"],
    });
    expect(await listed(by)).toEqual((await raw()).map((each) => [...each]));
    expect((await curlAnswer(scene, proxy.url(`/upstream${swift.storage}/${BOX}?format=json`))).status).toBe(401);
  });

  test("an object of segments keeps what the storage says", async () => {
    await swift.ask("PUT", `/${BOX}/dlo`, { headers: { "X-Object-Manifest": `${BOX}/known` }, body: "" });
    const before = await raw();
    expect(await listed()).toContainEqual([...before.find(([name]) => name === "dlo")!]);
    await swift.ask("DELETE", `/${BOX}/dlo`);
  });
});
