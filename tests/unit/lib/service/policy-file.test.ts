/** Policies read from files, and what is said of broken ones. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortailError } from "../../../../lib/command/errors.ts";
import { readPolicy } from "../../../../lib/service/policy-file.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "portail-policy-"))));
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function failure(path: string): PortailError {
  try {
    readPolicy(path);
  } catch (error) {
    if (error instanceof PortailError) return error;
    throw error;
  }
  throw new Error("expected a PortailError");
}

const ALLOW = "policy all { when port == 443 action allow }\n";

describe("a policy that is whole", () => {
  test("decides, and is named by the SHA-256 of its bytes", () => {
    const { policy, warnings } = readPolicy(write("it.acl", ALLOW));
    expect(warnings).toBe("");
    expect(policy.decide({ command: "socks", port: 443, host: "192.0.2.1" }).outcome).toBe("allow");
    expect(policy.digest).toBe(new Bun.CryptoHasher("sha256").update(ALLOW).digest("hex"));
  });

  test("brings in what it includes, seen from its own folder", () => {
    mkdirSync(join(folder, "sub"));
    write("sub/one.acl", 'include "../two.acl"\n');
    write("two.acl", ALLOW);
    const path = write("it.acl", 'include "sub/one.acl"\n');
    expect(readPolicy(path).policy.policyNames).toEqual(["all"]);
  });

  test("the sample is built in", () => {
    expect(readPolicy("builtin:sample").policy.policyCount).toBeGreaterThan(0);
  });
});

describe("one that is not", () => {
  test("is refused with every mistake shown, status 65", () => {
    const error = failure(write("it.acl", "policy a { when prot == 443 action allow }\npolicy b { when port == x }\n"));
    expect(error).toMatchObject({ code: "acl.invalid", exit: 65 });
    expect(error.message).toContain("errors");
    expect(error.detail).toContain("it.acl");
    expect(error.detail).toContain("prot");
    expect(error.detail).toContain("^");
  });

  test("that is not there, or is a folder: status 66", () => {
    expect(failure(join(folder, "none.acl"))).toMatchObject({ code: "acl.unreadable", exit: 66 });
    expect(failure(folder)).toMatchObject({ code: "acl.unreadable", exit: 66 });
  });

  test("whose include is not there is invalid, and shows where it is named", () => {
    const error = failure(write("it.acl", 'include "none.acl"\n'));
    expect(error).toMatchObject({ code: "acl.invalid", exit: 65 });
    expect(error.detail).toContain("none.acl");
    expect(error.detail).toContain("ENOENT");
  });
});
