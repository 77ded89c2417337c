/** The command line, the environment and the routes of ds_proxy, on `proxy`; and what changes while it runs. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { curlAnswer } from "../../support/curl-answer.ts";
import { Dav } from "../../support/dav.ts";
import { freePort } from "../../support/free-port.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { scenario } from "../../support/scenario.ts";
import { randomKeys, randomPassword, writeSodiumKeyring } from "../../support/sodium-keyring.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["curl", "nginx", LIBSODIUM], ({ scene, portail }) => {
  const port = freePort();
  const keys = randomKeys(Array.from({ length: 11 }, (_, i) => BigInt(i)));
  const password = randomPassword();
  const keyring = scene.write("keyring.toml", writeSodiumKeyring({ password, keys: keys.slice(0, 10) }));
  const local = scene.mkdir("local");
  const ask = (path: string, ...args: string[]) => curlAnswer(scene, `http://localhost:${port}${path}`, args);
  let dav: Dav;
  let program: ReturnType<typeof portail.start>;

  test("all of it comes from the environment", async () => {
    dav = await Dav.open(scene);
    program = portail.start(["s3crypt", "proxy"], {
      DS_PASSWORD: password,
      DS_KEYRING: keyring,
      DS_ADDRESS: `localhost:${port}`,
      DS_UPSTREAM_URL: "http://storage.invalid/jail",
      DS_CONNECT_URL: `http://127.0.0.1:${dav.port}`,
      DS_LOCAL_ENCRYPTION_DIRECTORY: local,
      BACKEND_CONNECTION_TIMEOUT: "2",
      WRITE_ONCE: "false",
      BYPASS_SSL_CERTIFICATE_CHECK: "false",
    });
    await program.output("stderr", /listening on/);
    expect((await ask("/upstream/o", "-T", scene.write("file", "text"))).status).toBe(201);
    expect((await dav.request("PUT", "/jail/o")).host).toBe("storage.invalid");
    expect(readSodiumObject(dav.read("jail/o")!, new Map(keys))).toMatchObject({ keyId: 9n });
  });

  test("a file named maintenance takes it out of use, and no more", async () => {
    expect([(await ask("/ping")).status, (await ask("/ping")).body.toString()]).toEqual([200, "{}"]);
    scene.write("maintenance", "");
    expect((await ask("/ping")).status).toBe(404);
    expect((await ask("/upstream/o")).body.toString()).toBe("text");
    rmSync(scene.path("maintenance"));
    expect((await ask("/ping")).status).toBe(200);
  });

  describe("/local/encrypt", () => {
    test("encrypts a file, and hands it out once", async () => {
      const bytes = Buffer.alloc(200_000, "local");
      expect((await ask("/local/encrypt/one", "-T", scene.write("file", bytes))).status).toBe(200);
      const lies = readFileSync(`${local}/one`);
      expect(readSodiumObject(lies, new Map(keys)).plain.equals(bytes)).toBe(true);
      const { status, body } = await ask("/local/encrypt/one");
      expect([status, body.equals(lies)]).toEqual([200, true]);
      expect(existsSync(`${local}/one`)).toBe(false);
      expect((await ask("/local/encrypt/one")).status).toBe(404);
    });

    test.each(["..%2fx", "%2e%2e", "a%2fb", "a/b", ".hidden", "a%00b", "..%5cx", "%ff"])(
      "takes no %j",
      async (name) => {
        const { status } = await ask(`/local/encrypt/${name}`, "-T", scene.write("file", "x"));
        expect(status).toBe(400);
      },
    );

    test("leaves no file of an upload that breaks off", async () => {
      const socket = await Bun.connect({ hostname: "localhost", port, socket: { data() {} } });
      socket.write("PUT /local/encrypt/half HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf");
      socket.end();
      expect((await ask("/local/encrypt/whole", "-T", scene.write("file", "x"))).status).toBe(200);
      expect(existsSync(`${local}/half`)).toBe(false);
    });
  });

  test("a key that is added is used after SIGHUP, and a keyring that does not open changes nothing", async () => {
    writeFileSync(keyring, writeSodiumKeyring({ password, keys }));
    program.signal("SIGHUP");
    await program.output("stderr", /reloaded keys=11/);
    expect((await ask("/upstream/new", "-T", scene.write("file", "text"))).status).toBe(201);
    expect(readSodiumObject(dav.read("jail/new")!, new Map(keys))).toMatchObject({ keyId: 10n });
    expect((await ask("/upstream/o")).body.toString()).toBe("text");
    writeFileSync(keyring, "[keys]\n");
    program.signal("SIGHUP");
    await program.output("stderr", /the reload failed, all stays as it was/);
    expect((await ask("/upstream/new")).body.toString()).toBe("text");
  });

  test("a download that is under way ends before it does", async () => {
    const bytes = Buffer.alloc(30_000_000, "x");
    expect((await ask("/upstream/big", "-T", scene.write("big", bytes))).status).toBe(201);
    const slow = ask("/upstream/big", "--limit-rate", "20M");
    await until("the download to begin", () => existsSync(scene.path("curl-out")));
    program.signal("SIGTERM");
    expect((await slow).body.length).toBe(bytes.length);
    expect(await program.ended).toBe(0);
  });

  test("flags may be spelt with underscores; credentials of S3 that are not complete are no plain mode", async () => {
    const given = ["s3crypt", "proxy", "--keyring_file", keyring, "--upstream_url", "http://127.0.0.1:1/"];
    const env = { DS_PASSWORD: password };
    for (const [args, more] of [
      [["--s3_access_key", "a", "--s3_secret_key", "b"], {}],
      [["--s3-region", "c"], { BYPASS_S3_SIGNATURE_CHECK: "true" }],
    ] as const) {
      const { status, stderr } = await portail.run([...given, ...args], { env: { ...env, ...more } });
      expect([status, stderr]).toEqual([64, expect.stringContaining("[s3crypt.s3_credentials]")]);
    }
  });

  test("a wrong password ends it before it listens", async () => {
    writeFileSync(keyring, writeSodiumKeyring({ password, keys }));
    const args = ["s3crypt", "proxy", "--address", `localhost:${port}`, "--upstream-url", "http://127.0.0.1:1/"];
    const env = { DS_PASSWORD: randomPassword(), DS_KEYRING: keyring };
    const { status, stderr } = await portail.run(args, { env });
    expect([status, stderr]).toEqual([65, expect.stringContaining("[s3crypt.wrong_password]")]);
  });
});
