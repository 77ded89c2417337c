/** Presigned uploads, used again and all at once, through one proxy and through two over one file, with curl and nginx. */
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { curl } from "../../support/curl.ts";
import { Dav } from "../../support/dav.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { scenario } from "../../support/scenario.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { tempUrl, upload, uploadAll } from "../../support/upload-once.ts";
import { content } from "../../support/web.ts";

/** Mounts a small disk, and fills it as soon as `go` appears. */
const SMALL_DISK = `set -eu
mount -t tmpfs -o size=512k none "$DISK"
(while [ ! -e go ]; do sleep 0.05; done; dd if=/dev/zero of="$DISK/fill" status=none || :; : > full) &
exec "$@"`;

scenario(import.meta.file, ["curl", "nginx", "unshare", LIBSODIUM], ({ scene, portail }) => {
  let dav: Dav;
  let proxy: StorageProxy;
  let other: StorageProxy;
  const bytes = content(50_000);
  const file = scene.write("plain", bytes);
  const upstream = () => `http://127.0.0.1:${dav.port}/jail`;

  test("it starts, with a registry where the service manager says", async () => {
    dav = await Dav.open(scene, {
      server: "location /jail/away/ { return 307 /jail/x; } location /jail/broken/ { return 500; }",
    });
    const env = { STATE_DIRECTORY: scene.mkdir("state") };
    proxy = await StorageProxy.open(scene, portail, { upstream: upstream(), env, args: ["--write-once"] });
    const args = ["--write-once-db", scene.path("state/write-once.db"), "--status", "127.0.0.1:0"];
    other = await StorageProxy.open(scene, portail, { upstream: upstream(), env: { WRITE_ONCE: "true" }, args });
    expect(statSync(scene.path("state/write-once.db")).mode & 0o777).toBe(0o600);
  });

  describe.each([
    ["of one proxy", () => [proxy]],
    ["of two proxies with one file", () => [proxy, other]],
  ] as const)("100 uses at once %s", (name, proxies) => {
    test.each([
      ["a TempURL", () => tempUrl(60)],
      [
        "a presigned URL of S3",
        () => `X-Amz-Date=${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}&x-amz-EXPIRES=604800`,
      ],
    ])("of %s: one succeeds", async (kind, query) => {
      const path = `/upstream/${encodeURIComponent(`${name} ${kind}`)}?${query()}`;
      const urls = Array.from({ length: 100 }, (_, i) => proxies()[i % proxies().length]!.url(path));
      expect(await uploadAll(file, urls)).toEqual([201, ...Array.from({ length: 99 }, () => 403)]);
      expect(dav.requests.filter(({ target }) => target.includes(encodeURIComponent(`${name} ${kind}`))).length).toBe(
        1,
      );
    });
  });

  test("a use again is denied, whatever the query and the spelling", async () => {
    const query = tempUrl(7200);
    expect(await upload(file, proxy.url(`/upstream/box/obj%20x?${query}`))).toBe(201);
    const again = [
      `/upstream/box/obj%20x?${query}`,
      `/upstream/box/obj%20x?${query}&more=1`,
      `/upstream/box/obj%20x?${query.split("&").toReversed().join("&")}`,
      `/upstream/box/obj%20x?${tempUrl(9999)}`,
      `/upstream/box/obj%20x?X-Amz-Expires=1`,
      `/upstream/box/%6Fbj%20x?${query}`,
      `/upstream/%62ox/%6f%62%6a%20x?${query}`,
      `/upstream/box%2Fobj%20x?${query}`,
    ];
    for (const path of again) {
      const { stdout } = await curl(["-T", file, "--path-as-is", "-w", "%{http_code}", proxy.url(path)]);
      expect(stdout).toBe("Access denied\n403");
    }
    const line = await proxy.trail.record("object", ({ writeOnce }) => writeOnce === "used_up");
    expect([line.code, line.decision, line.outcome]).toEqual(["used_up", "deny", "refused"]);
    expect(await upload(file, other.url(`/upstream/box/obj%20y?${query}`))).toBe(201);
    expect(readSodiumObject(dav.read("jail/box/obj x")!, proxy.keys).plain.equals(bytes)).toBe(true);
  });

  test("an upload that is bound to no time is counted by nobody", async () => {
    for (const status of [201, 204, 204]) expect(await upload(file, proxy.url("/upstream/box/free?a=b"))).toBe(status);
    expect(await upload(file, proxy.url(`/upstream/box/free?${tempUrl(60)}`))).toBe(204);
    expect(await upload(file, proxy.url("/upstream/box/free"))).toBe(204);
    expect(await upload(file, proxy.url(`/upstream/box/free?${tempUrl(60)}`))).toBe(403);
    expect(
      (await curl(["-w", "%{http_code}", "-o", "/dev/null", proxy.url(`/upstream/box/free?${tempUrl(60)}`)])).stdout,
    ).toBe("200");
  });

  test.each(["temp_url_expires=1", "temp_url_expires=soon", "X-Amz-Expires=5"])(
    "a use again with %s is denied as well",
    async (query) => {
      const url = proxy.url(`/upstream/box/odd-${query}?${query}`);
      expect([await upload(file, url), await upload(file, url)]).toEqual([201, 403]);
    },
  );

  test("when its time is over, the next URL has a right of its own", async () => {
    const put = (seconds: number) => upload(file, proxy.url(`/upstream/box/short?${tempUrl(seconds)}`));
    expect(await put(2)).toBe(201);
    expect(await put(60)).toBe(403);
    let status = 403;
    while (status === 403) status = await put(60);
    expect([status, await put(60)]).toEqual([204, 403]);
  });

  test.each([
    ["a redirect", "away/x", 307],
    ["a failure", "broken/x", 500],
  ])("%s gives the right back", async (_, name, status) => {
    const url = proxy.url(`/upstream/${name}?${tempUrl(60)}`);
    for (let i = 0; i < 3; i++) expect(await upload(file, url)).toBe(status);
    await proxy.trail.record("object", ({ path, writeOnce }) => path === `/jail/${name}` && writeOnce === "given_back");
  });

  test("so do content that is not what it should be, a client that leaves, and a storage that is not there", async () => {
    const url = proxy.url(`/upstream/box/again?${tempUrl(600)}`);
    const wrong = ["-H", "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="];
    expect((await curl(["-T", file, ...wrong, "-w", "%{http_code}", "-o", "/dev/null", url])).stdout).toBe("400");
    const large = scene.write("large", content(1_000_000));
    expect((await curl(["-T", large, "--limit-rate", "100k", "--max-time", "1", url])).status).toBe(28);
    await proxy.trail.record("object", ({ outcome, writeOnce }) => outcome === "client" && writeOnce === "given_back");
    await dav.end();
    expect(await upload(file, url)).toBe(502);
    await dav.begin();
    expect([await upload(file, url), await upload(file, url)]).toEqual([201, 403]);
  });

  test("the metrics have it", async () => {
    const [, status] = await other.program.output("stderr", /status on (\S+)/);
    const { stdout } = await curl([`http://${status}/metrics`]);
    expect(stdout).toMatch(/^portail_write_once_total\{result="used_up"\} [1-9]/m);
  });

  test("a proxy that is killed and started again still knows", async () => {
    const path = `/upstream/box/kept?${tempUrl(600)}`;
    expect(await upload(file, proxy.url(path))).toBe(201);
    await proxy.program.kill();
    const env = { XDG_STATE_HOME: scene.path("nowhere"), STATE_DIRECTORY: scene.path("state") };
    proxy = await StorageProxy.open(scene, portail, { upstream: upstream(), env, args: ["--write-once"] });
    expect(await upload(file, proxy.url(path))).toBe(403);
  });

  test.each([
    ["denies", [], 503],
    ["lets pass what it is told to", ["--write-once-fail", "open"], 201],
  ])("a registry on a full disk %s, and what it knows stays used", async (_, args, status) => {
    const disk = scene.mkdir(`disk-${status}`);
    const folder = scene.mkdir(`marks-${status}`);
    const prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", `cd ${folder}\n${SMALL_DISK}`, "sh"];
    const once = ["--write-once", "--write-once-db", `${disk}/once.db`, ...args];
    const env = { DISK: disk };
    const full = await StorageProxy.open(scene, portail, { upstream: upstream(), prefix, env, args: once });
    const url = (i: number) => full.url(`/upstream/full-${status}/${i}?${tempUrl(600)}`);
    expect([await upload(file, url(0)), await upload(file, url(0))]).toEqual([201, 403]);
    scene.write(`marks-${status}/go`, "");
    const told = () =>
      full.trail
        .of("object")
        .some(({ writeOnce, code }) => writeOnce === "unchecked" || code === "registry_unavailable");
    // Its log has room for some already.
    let last = 0;
    for (let i = 1; i < 400 && !told(); i++) last = await upload(file, url(i));
    expect([last, told()]).toEqual([status, true]);
    expect(await upload(file, url(0))).toBe(403);
  });
});
