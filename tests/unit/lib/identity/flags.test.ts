/** What the flags of an identity mean, and which of them exclude each other. No file is read. */
import { describe, expect, test } from "bun:test";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import type { ArgDefinitions, ParsedArgs } from "../../../../lib/command/define.ts";
import { environmentArgs } from "../../../../lib/command/environment.ts";
import {
  identityFlags,
  parseIdentityFlags,
  parseUpstreamIdentityFlags,
  upstreamIdentityFlags,
} from "../../../../lib/identity/flags.ts";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { refusal } from "./refusal.ts";

const files = new SourceFiles({ cwd: "/", env: {} });

/** As cli/run.ts makes them. */
function parsed<A extends ArgDefinitions>(flags: A, line: string, env: Record<string, string> = {}) {
  const argv = line === "" ? [] : line.split(" ");
  return completeArgs(flags, vetArgv(argv, flags), environmentArgs(flags, env)) as ParsedArgs<A>;
}

const own = (line: string, env?: Record<string, string>) => parseIdentityFlags(parsed(identityFlags, line, env));
const upstream = (line: string) => parseUpstreamIdentityFlags(parsed(upstreamIdentityFlags, line));

describe("an identity", () => {
  test("is two files, or one, or none", () => {
    expect(own("--cert c --key k").identity).toEqual({ kind: "pair", cert: "c", key: "k", password: undefined });
    expect(own("--keystore s").identity).toEqual({ kind: "keystore", keystore: "s", password: undefined });
    expect(own("").identity).toBeUndefined();
  });

  test("has a password", () => {
    expect(own("--keystore s --storepass x").identity?.password?.read(files)).toBe("x");
    expect(own("--keystore s --storepass=").identity?.password?.read(files)).toBe("");
    const fromFile = own("--cert c --key k --storepass-file nowhere").identity?.password;
    expect(refusal(() => fromFile?.read(files)).message).toContain('"nowhere"');
  });

  test("comes from the environment variables of ghostunnel", () => {
    const pair = own("", { CERT_PATH: "c", KEY_PATH: "k", KEYSTORE_PASS: "x", CACERT_PATH: "a" });
    expect(pair).toMatchObject({ identity: { kind: "pair", cert: "c", key: "k" }, trust: { cacert: ["a"] } });
    expect(pair.identity?.password?.read(files)).toBe("x");
    expect(own("", { KEYSTORE_PATH: "s" }).identity).toMatchObject({ keystore: "s" });
    expect(own("--keystore f", { KEYSTORE_PATH: "s" }).identity).toMatchObject({ keystore: "f" });
  });

  test.each([
    ["--keystore s --cert c", "usage.conflict", "--keystore and --cert exclude each other"],
    ["--keystore s --key k", "usage.conflict", "--keystore and --key exclude each other"],
    ["--keystore s --cert c --key k", "usage.conflict", "--keystore and --cert exclude each other"],
    ["--cert c", "usage.missing", "--cert needs --key"],
    ["--key k", "usage.missing", "--key needs --cert"],
    [
      "--keystore s --storepass a --storepass-file b",
      "usage.conflict",
      "--storepass and --storepass-file exclude each other",
    ],
  ])("is refused as %s", (line, code, message) => {
    const error = refusal(() => own(line));
    expect(error).toMatchObject({ code, exit: 64, message });
    expect(error.hint).toBeDefined();
  });

  test("is refused where flags and environment are two of them", () => {
    const error = refusal(() => own("--cert c --key k", { KEYSTORE_PATH: "s" }));
    expect([error.code, error.hint]).toEqual(["usage.conflict", expect.stringContaining("KEYSTORE_PATH")]);
  });
});

test("trust is any number of files of each kind", () => {
  expect(own("--cacert a --crl b --cacert c --crl d").trust).toEqual({ cacert: ["a", "c"], crl: ["b", "d"] });
  expect(own("").trust).toEqual({ cacert: [], crl: [] });
});

test("upstreams have the same of their own", () => {
  const line = "--upstream-cert c --upstream-key k --upstream-cacert a --upstream-crl l";
  expect(upstream(line)).toEqual({
    identity: { kind: "pair", cert: "c", key: "k", password: undefined },
    trust: { cacert: ["a"], crl: ["l"] },
  });
  const store = upstream("--upstream-keystore s --upstream-storepass-file nowhere");
  expect(store.identity).toMatchObject({ kind: "keystore", keystore: "s" });
  expect(refusal(() => store.identity?.password?.read(files)).code).toBe("identity.secret_unreadable");
  expect(refusal(() => upstream("--upstream-cert c")).message).toBe("--upstream-cert needs --upstream-key");
  expect(refusal(() => upstream("--upstream-cert c --upstream-keystore s")).message).toBe(
    "--upstream-keystore and --upstream-cert exclude each other",
  );
});
