/** Two proxies, one Redis: rights are used once through both, and what happens while it is stopped, halted, or speaks TLS. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { curl } from "../../support/curl.ts";
import { Dav } from "../../support/dav.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { authority, save } from "../../support/pki.ts";
import { RedisServer } from "../../support/redis.ts";
import { keyringOf } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { tempUrl, upload, uploadAll } from "../../support/upload-once.ts";
import { content } from "../../support/web.ts";

const NEEDS = ["curl", "nginx", "openssl", "redis-server", "redis-cli", LIBSODIUM];
/** Patience for a slow machine. */
const PATIENT = ["wait", "create", "recycle"].flatMap((name) => [`--redis-timeout-${name}`, "8000"]);
/** As ds_proxy has them. */
const HASTY = ["wait", "create", "recycle"].flatMap((name) => [`--redis-timeout-${name}`, "200"]);

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let dav: Dav;
  let redis: RedisServer;
  let proxies: StorageProxy[];
  const file = scene.write("plain", content(20_000));
  const open = (args: readonly string[], env: Record<string, string> = {}) =>
    StorageProxy.open(scene, portail, {
      upstream: `http://127.0.0.1:${dav.port}/jail`,
      args: ["--write-once", ...args],
      env: { REDIS_URL: `redis://127.0.0.1:${redis.port}/3`, ...env },
    });

  test("they start", async () => {
    dav = await Dav.open(scene, { server: "location /jail/broken/ { return 500; }" });
    redis = await RedisServer.open(scene);
    proxies = [await open(PATIENT), await open([...PATIENT, "--redis-pool-max-size", "1"])];
  });

  test("of 100 uses at once through both, one succeeds", async () => {
    for (const name of ["a", "b", "c"]) {
      const path = `/upstream/box/${name}?${tempUrl(60)}`;
      const urls = Array.from({ length: 100 }, (_, i) => proxies[i % 2]!.url(path));
      expect(await uploadAll(file, urls)).toEqual([201, ...Array.from({ length: 99 }, () => 403)]);
    }
  });

  test("ds_proxy finds them under the names that it looks for, and they hold for as long as their URLs", async () => {
    expect(await upload(file, proxies[0]!.url(`/upstream/box/named.txt?${tempUrl(30 * 3600)}`))).toBe(201);
    const name = `locks:${createHash("sha256").update("/upstream/box/named.txt").digest("hex")}`;
    expect(await redis.ask("GET", name)).toBe("true");
    const left = Number(await redis.ask("PTTL", name));
    expect(left).toBeGreaterThan(29 * 3_600_000);
    expect(left).toBeLessThanOrEqual(30 * 3_600_000 + 1000);
    const its = `locks:${createHash("sha256").update("/upstream/box/its").digest("hex")}`;
    await redis.ask("SET", its, "true", "EX", "3600", "NX");
    expect(await upload(file, proxies[1]!.url(`/upstream/box/its?${tempUrl(60)}`))).toBe(403);
  });

  test("an upload that fails gives its right back to both", async () => {
    const url = (i: number) => proxies[i]!.url(`/upstream/broken/x?${tempUrl(60)}`);
    for (const i of [0, 1, 0]) expect(await upload(file, url(i))).toBe(500);
    expect(await redis.ask("EXISTS", `locks:${createHash("sha256").update("/upstream/broken/x").digest("hex")}`)).toBe(
      "0",
    );
  });

  describe.each([
    ["stopped", () => redis.end(), () => redis.begin()],
    ["halted", async () => redis.signal("SIGSTOP"), async () => redis.signal("SIGCONT")],
  ] as const)("while Redis is %s", (how, stop, goOn) => {
    let strict: StorageProxy;
    let lenient: StorageProxy;
    const path = (name: string) => `/upstream/${how}/${name}?${tempUrl(600)}`;

    test("uploads are denied, or let through where that is asked for", async () => {
      strict = await open(HASTY);
      lenient = await open([...HASTY, "--write-once-fail=open", "--status", "127.0.0.1:0"]);
      expect(await upload(file, strict.url(path("before")))).toBe(201);
      await stop();
      const answers = await uploadAll(
        file,
        Array.from({ length: 20 }, (_, i) => strict.url(path(String(i)))),
      );
      expect(answers).toEqual(Array.from({ length: 20 }, () => 503));
      expect(dav.list("jail").some((name) => name.startsWith(`${how}/0`))).toBe(false);
      expect((await strict.trail.record("object", ({ status }) => status === 503)).code).toBe("registry_unavailable");
      expect([await upload(file, lenient.url(path("open"))), await upload(file, lenient.url(path("open")))]).toEqual([
        201, 204,
      ]);
      expect(lenient.trail.of("start")[0]!.unsafe).toEqual(["write-once-fail"]);
      await lenient.trail.record("object", ({ writeOnce }) => writeOnce === "unchecked");
      expect(lenient.program.stderr).toContain("an upload is let through");
      const [, status] = await lenient.program.output("stderr", /status on (\S+)/);
      expect((await curl([`http://${status}/metrics`])).stdout).toContain(
        'portail_write_once_total{result="unchecked"} 2',
      );
    });

    test("what needs no right is served", async () => {
      expect(await upload(file, strict.url(`/upstream/${how}/free`))).toBe(201);
      expect((await curl(["-o", "/dev/null", "-w", "%{http_code}", strict.url(`/upstream/${how}/free`)])).stdout).toBe(
        "200",
      );
    });

    test("and afterwards all is as it was", async () => {
      await goOn();
      for (const proxy of [strict, lenient]) {
        let status = 503;
        for (let i = 0; status === 503; i++) status = await upload(file, proxy.url(path(`after-${proxy.port}-${i}`)));
        expect(status).toBe(201);
      }
      for (const proxy of [strict, lenient]) {
        proxy.program.signal("SIGTERM");
        expect(await proxy.program.ended).toBe(0);
      }
    });
  });

  describe("over TLS, with a password", () => {
    const pki = authority();
    let secured: RedisServer;

    test("it is spoken to as itself", async () => {
      const { cert, key } = save(scene, "redis", pki.issue({ cn: "redis" }));
      const ca = scene.write("ca.pem", pki.cert);
      secured = await RedisServer.open(scene, { tls: { cert, key, ca }, password: "p@ss:w/rd" });
      const proxy = await open([...PATIENT, "--redis-cacert", ca], {
        REDIS_URL: `rediss://:p%40ss%3Aw%2Frd@localhost:${secured.port}/3`,
      });
      const url = proxy.url(`/upstream/box/secured?${tempUrl(60)}`);
      expect([await upload(file, url), await upload(file, url)]).toEqual([201, 403]);
      expect(await secured.ask("DBSIZE")).toBe("1");
    });

    test.each<[string, () => string, string, string]>([
      ["a wrong password", () => `rediss://:secret@localhost:${secured.port}`, "WRONGPASS", "Test CA"],
      ["no password", () => `rediss://localhost:${secured.port}`, "NOAUTH", "Test CA"],
      ["another authority", () => `rediss://:secret@localhost:${secured.port}`, "no TLS with Redis", "other"],
      [
        "no TLS",
        () => `redis://:secret@localhost:${secured.port}`,
        "the registry of --write-once cannot be used",
        "Test CA",
      ],
      ["nobody there", () => "redis://localhost:1", "Redis is not reached", "Test CA"],
      ["a server of another kind", () => `redis://localhost:${dav.port}`, "does not speak as Redis does", "Test CA"],
    ])("it does not start with %s", async (_, url, words, name) => {
      const cacert = url().startsWith("rediss") ? ["--redis-cacert", scene.write("its.pem", authority(name).cert)] : [];
      const args = [
        "s3crypt",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--upstream-url",
        "http://127.0.0.1:1/",
        "--write-once",
      ];
      const env = { ...keyringOf(scene), REDIS_URL: url() };
      const { status, stderr } = await portail.run([...args, ...PATIENT, ...cacert], { env });
      expect(status).toBe(69);
      expect(stderr).toContain(words);
      expect(stderr).toContain("[s3crypt.registry]");
      expect(stderr).not.toContain("secret");
    });
  });
});
