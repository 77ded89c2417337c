/** Names of files to their bytes: folders of credentials, pipes that speak once, changes seen, and refusals with reasons. */
import { afterAll, describe, expect, test } from "bun:test";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { Scene } from "../../../support/scene.ts";
import { refusal } from "./refusal.ts";

const scene = new Scene();
afterAll(() => scene.close());

const open = (env: Record<string, string> = {}) => new SourceFiles({ cwd: scene.folder, env });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe("a file", () => {
  test("is found from the working directory, or by its whole path", () => {
    const path = scene.write("folder/file", "x");
    expect(text(open().read("folder/file", "cert"))).toBe("x");
    expect(text(open().read(path, "cert"))).toBe("x");
  });

  test("is read whole, however long", () => {
    const long = Buffer.alloc(3 * 2 ** 20 + 5, "0123456789");
    scene.write("long", long);
    expect(Buffer.compare(open().read("long", "crl"), long)).toBe(0);
  });

  test("without an end is given up", () => {
    const error = refusal(() => open().read("/dev/zero", "cert"));
    expect(error.message).toBe('cannot read certificate "/dev/zero": it is larger than 128 MiB');
  });

  test.each([
    ["nowhere", "key", "identity.key_unreadable", 66, 'cannot read private key "nowhere": no such file'],
    [".", "keystore", "identity.keystore_unreadable", 66, 'cannot read keystore ".": it is a folder'],
    ["long/x", "crl", "identity.crl_unreadable", 66, 'cannot read revocation list "long/x": no such file'],
  ] as const)("%s is refused", (name, role, code, exit, message) => {
    expect(refusal(() => open().read(name, role))).toMatchObject({ code, exit, message });
  });

  test("that nobody may read is refused with a hint", () => {
    // For root too: the kernel lets it be written only.
    const error = refusal(() => open().read("/proc/sys/vm/drop_caches", "key"));
    expect(error.code).toBe("identity.key_unreadable");
    expect([error.exit, error.message]).toEqual([
      77,
      'cannot read private key "/proc/sys/vm/drop_caches": permission denied',
    ]);
    expect(error.hint).toContain("LoadCredential=");
  });
});

describe("a credential of systemd", () => {
  test("is a file in its folder", () => {
    scene.write("credentials/key", "x");
    const files = open({ CREDENTIALS_DIRECTORY: scene.path("credentials") });
    expect(text(files.read("credential:key", "key"))).toBe("x");
    expect(refusal(() => files.read("credential:other", "key")).message).toBe(
      'cannot read private key "credential:other": no such file',
    );
  });

  test("has no path for a name", () => {
    const files = open({ CREDENTIALS_DIRECTORY: scene.path("credentials") });
    for (const name of ["", ".", "..", "a/b", "../file"]) {
      const error = refusal(() => files.read(`credential:${name}`, "key"));
      expect([error.code, error.exit]).toEqual(["identity.bad_credential_name", 78]);
    }
  });

  test("is refused where there are none", () => {
    const error = refusal(() => open().read("credential:key", "key"));
    expect([error.code, error.exit]).toEqual(["identity.no_credentials", 78]);
    expect(error.hint).toContain("LoadCredential=key:PATH");
  });
});

test("a pipe is read once and remembered", async () => {
  const program = `
    import { SourceFiles } from ${JSON.stringify(`${import.meta.dir}/../../../../lib/identity/source-files.ts`)};
    const files = new SourceFiles({ cwd: "/", env: {} });
    const [name] = process.argv.slice(2);
    for (let i = 0; i < 2; i++) {
      process.stdout.write(Buffer.from(files.read(name, "secret")).toString());
    }
  `;
  const script = scene.write("read.ts", program);
  const child = Bun.spawn(["bash", "-c", `"$0" "$1" <(sleep 0.1; echo secret)`, process.execPath, script], {
    stderr: "pipe",
  });
  expect(await child.stdout.text()).toBe("secret\nsecret\n");
  expect(await child.exited).toBe(0);
});
