/** Where the system's certificates are looked for, and what in those places is left out. */
import { afterAll, describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { readSystemStore } from "../../../../lib/identity/system-store.ts";
import { needing } from "../../../support/needs.ts";
import { authority } from "../../../support/pki.ts";
import { Scene } from "../../../support/scene.ts";
import { refusal } from "./refusal.ts";

const scene = new Scene();
afterAll(() => scene.close());

function store(env: Record<string, string>): string[] {
  return readSystemStore(new SourceFiles({ cwd: scene.folder, env })).map(({ subject }) => subject);
}

needing("the system's store", ["openssl"], () => {
  const [a, b, c] = [authority("A"), authority("B"), authority("C")];
  const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  const bundle = scene.write("bundle.pem", a.cert + broken + b.cert);
  const folder = scene.mkdir("folder");
  scene.write("folder/b.pem", b.cert);
  scene.write("folder/a-broken", broken);
  scene.write("folder/README", "no certificate");
  scene.mkdir("folder/sub");
  symlinkSync("nowhere", scene.path("folder/link"));
  symlinkSync("../bundle.pem", scene.path("folder/a.0"));
  const other = scene.mkdir("other");
  scene.write("other/c.0", c.cert);

  test("is what SSL_CERT_FILE names, without what cannot be read of it", () => {
    expect(store({ SSL_CERT_FILE: bundle })).toEqual(["CN=A", "CN=B"]);
  });

  test("is in the folders of SSL_CERT_DIR, without what is none in them", () => {
    expect(store({ SSL_CERT_DIR: folder })).toEqual(["CN=A", "CN=B", "CN=B"]);
    expect(store({ SSL_CERT_DIR: `${other}:/nowhere::${other}` })).toEqual(["CN=C", "CN=C"]);
  });

  test("is both", () =>
    expect(store({ SSL_CERT_FILE: bundle, SSL_CERT_DIR: other })).toEqual(["CN=A", "CN=B", "CN=C"]));

  test("in a pipe within a folder is not waited for", () => {
    const pipes = scene.mkdir("pipes");
    Bun.spawnSync(["mkfifo", `${pipes}/x`]);
    scene.write("pipes/y", c.cert);
    expect(store({ SSL_CERT_DIR: pipes })).toEqual(["CN=C"]);
  });
});

describe("a system without certificates is refused", () => {
  test("where the file is missing", () => {
    expect(refusal(() => store({ SSL_CERT_FILE: "/nowhere" })).code).toBe("identity.cacert_unreadable");
  });

  test("where the folder is missing", () => {
    const error = refusal(() => store({ SSL_CERT_DIR: "/nowhere" }));
    expect([error.code, error.exit]).toEqual(["identity.no_system_trust", 66]);
    expect(error.message).toBe('the system has no trusted certificate in "/nowhere"');
    expect(error.hint).toContain("--cacert");
  });
});
