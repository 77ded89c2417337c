/** Flags as values: what ds_proxy writes is understood, what contradicts itself or is not there yet is refused. */
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { args } from "../../../../../commands/s3crypt/serve/flags.ts";
import { parseSettings } from "../../../../../commands/s3crypt/serve/settings.ts";
import { completeArgs, vetArgv } from "../../../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../../../lib/command/define.ts";

function settings(argv: string, env: Record<string, string> = {}) {
  const words = `--keyring-file k --upstream-url http://a/ ${argv}`.trim().split(" ");
  return parseSettings(completeArgs(args, vetArgv(words, args)) as ParsedArgs<typeof args>, env);
}

test("the defaults are those of a drop-in", () => {
  const { format, demands, unverified, localDirectory, acl, front, connectTimeout } = settings("");
  expect({ format, demands, unverified, localDirectory, acl, front, connectTimeout }).toEqual({
    format: "ds2",
    demands: { plaintext: true, warns: false, finalFrom: undefined },
    unverified: false,
    localDirectory: undefined,
    acl: undefined,
    front: undefined,
    connectTimeout: 1000,
  });
});

test.each([
  ["3", 3000],
  ["0.5", 500],
  ["250ms", 250],
  ["2s", 2000],
])("a connection may take %s", (text, ms) => {
  expect(settings(`--backend-connection-timeout ${text}`).connectTimeout).toBe(ms);
});

test("--connect-url is where the storage is dialled, and no more", () => {
  const { upstream, dialled } = settings("--connect-url https://b:1/ignored");
  expect(upstream).toMatchObject({ tls: false, host: "a", port: 80, base: "/" });
  expect(dialled).toMatchObject({ tls: true, host: "b", port: 1 });
});

test("--address is --listen, and underscores are hyphens", () => {
  expect(settings("--address localhost:1").listen).toEqual([{ kind: "tcp", host: "localhost", port: 1 }]);
  expect(settings("--backend_connection_timeout 2").connectTimeout).toBe(2000);
});

test("the exception to verification is told", () => {
  for (const [argv, env] of [
    ["--bypass-ssl-certificate-check", {}],
    ["", { BYPASS_SSL_CERTIFICATE_CHECK: "true" }],
  ] as const) {
    const { unverified, warnings } = settings(argv, env);
    expect([unverified, warnings.length]).toEqual([true, 1]);
  }
});

describe("S3 mode", () => {
  const PAIR = "--s3-access-key a --s3-region r";

  test("is none without credentials, whatever else the environment has", () => {
    expect(settings("", { BYPASS_S3_SIGNATURE_CHECK: "true", S3_SECRET_KEY: "s" }).s3).toBeUndefined();
  });

  test("has a secret of its own variable, which is never shown", () => {
    const { s3, warnings } = settings(`${PAIR} --s3-listen localhost:1`, { S3_SECRET_KEY: "very secret" });
    expect([s3?.accessKeyId, s3?.region, s3?.bypass, s3?.listSizes]).toEqual(["a", "r", false, "exact"]);
    expect(s3?.listen).toEqual([{ kind: "tcp", host: "localhost", port: 1 }]);
    expect(s3?.secret.read({} as never)).toBe("very secret");
    expect(JSON.stringify(s3) + inspect(s3, { depth: 9 })).not.toContain("very");
    expect(warnings).toEqual([]);
  });

  test("warns of a secret that all can read, and of unverified clients", () => {
    expect(settings(`${PAIR} --s3-secret-key s`).warnings).toHaveLength(1);
    const { s3, warnings } = settings(`${PAIR} --s3_secret_key s`, { BYPASS_S3_SIGNATURE_CHECK: "true" });
    expect([s3?.bypass, warnings.length]).toEqual([true, 2]);
  });
});

test.each([
  ["--write-once", {}, "usage.missing"],
  ["--write-once --write-once-fail never", { HOME: "/h" }, "usage.value"],
  ["--write-once --redis-cacert a", { HOME: "/h" }, "usage.missing"],
  ["--write-once --redis-url redis://a --redis-cacert a", {}, "usage.conflict"],
  ["--write-once --redis-url redis://a --write-once-db b", {}, "usage.conflict"],
  ["--write-once --redis-url http://a", {}, "redis.url"],
  ["--write-once --redis-url redis://a --redis-timeout-wait 0", {}, "usage.value"],
  ["--write-once --redis-url redis://a --redis-pool-max-size 0", {}, "usage.value"],
  ["--s3-secret-key a", {}, "s3crypt.s3_credentials"],
  ["--s3-access-key a --s3-region r", {}, "s3crypt.s3_credentials"],
  ["--s3-access-key a --s3-secret-key s", {}, "s3crypt.s3_credentials"],
  ["--s3-region r", { S3_SECRET_KEY: "s" }, "s3crypt.s3_credentials"],
  ["--s3-access-key a,b --s3-region r --s3-secret-key s", {}, "s3crypt.s3_credentials"],
  ["--s3-access-key a --s3-region r --s3-secret-key s --s3-secret-key-file f", {}, "usage.conflict"],
  ["--s3-listen 127.0.0.1:1", {}, "s3crypt.s3_credentials"],
  ["--bypass-s3-signature-check", {}, "s3crypt.s3_credentials"],
  ["--s3-access-key a --s3-region r --s3-secret-key s --list-sizes guessed", {}, "usage.value"],
  ["--s3-access-key a --s3-region r --s3-secret-key s --multipart maybe", {}, "usage.value"],
  ["", { BYPASS_S3_SIGNATURE_CHECK: "maybe" }, "usage.value"],
  ["", { WRITE_ONCE: "maybe" }, "usage.value"],
  ["--write-format v2", {}, "usage.value"],
  ["--plaintext no", {}, "usage.value"],
  ["--from 3", {}, "usage.conflict"],
  ["--client-cert required", {}, "tls.no_identity"],
  ["--cacert a", {}, "tls.no_identity"],
  ["--cert a", {}, "usage.missing"],
  ["--cert a --key b --client-cert optional", {}, "usage.missing"],
  ["--cert a --key b --cacert c --client-cert off", {}, "usage.conflict"],
  ["--upstream-cert a", {}, "usage.missing"],
  ["--status https://127.0.0.1:1", {}, "status.no_certificate"],
  ["--listen a", {}, "endpoint.syntax"],
  ["--connect-url a", {}, "s3crypt.upstream_url"],
] as const)("%s %p: %s", (argv, env, code) => {
  let thrown: unknown;
  try {
    settings(argv, env);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code });
});

test.each([
  [{ STATE_DIRECTORY: "/var/lib/a:/var/lib/b", XDG_STATE_HOME: "/x", HOME: "/h" }, "/var/lib/a/write-once.db"],
  [{ XDG_STATE_HOME: "/x", HOME: "/h" }, "/x/portail/write-once.db"],
  [{ XDG_STATE_HOME: "x", HOME: "/h" }, "/h/.local/state/portail/write-once.db"],
])("rights are kept where %j says", (env, path) => {
  const registry = { kind: "file", path };
  expect(settings("--write-once", env).writeOnce).toEqual({ open: false, registry } as never);
  expect(settings("", { ...env, WRITE_ONCE: "true" }).writeOnce).toEqual({ open: false, registry } as never);
  expect(settings("", env).writeOnce).toBeUndefined();
});

test("or in Redis, with the flags of ds_proxy", () => {
  const given =
    "--write-once --write-once-fail=open --redis-url rediss://:b@a/1 --redis-cacert c --redis-timeout-wait 50";
  const { writeOnce, warnings } = settings(`${given} --redis-timeout-create 1s --redis-pool-max-size 3`);
  const times = { wait: 50, create: 1000, recycle: 200 };
  expect(writeOnce).toMatchObject({ open: true, registry: { kind: "redis", times, most: 3, cacert: ["c"] } });
  expect(warnings.length).toBe(1);
});
