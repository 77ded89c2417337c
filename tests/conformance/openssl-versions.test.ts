/** TLS with keys that only sign, on a newer OpenSSL than the system's: that of a Python wheel. The tests are those of the system's. */
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { needing } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { pythonLibrary } from "../support/python-library.ts";
import { Scene } from "../support/scene.ts";
import { SOFTHSM } from "../support/softhsm.ts";

setDefaultTimeout(400_000);

const ROOT = resolve(import.meta.dir, "../..");
/** Wheels that bring a libssl of their own, and its version. */
const WHEELS = [["psycopg2-binary", "2.9.13", "3.5.8"]] as const;
const TESTS = ["unit/lib/net/openssl-conn", "unit/lib/net/conn", "adversarial/tunnel/protocols"].map((name) =>
  resolve(ROOT, `tests/${name}.test.ts`),
);
const VERSION = `const { openssl } = await import("${ROOT}/lib/ffi/openssl.ts"); console.log(openssl().version ?? openssl());`;

needing("another OpenSSL", ["python3", "python3:pip", ...SOFTHSM], () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test.each(WHEELS)("of %s %s: %s", async (name, release, version) => {
    const library = join(await pythonLibrary(name, release), "psycopg2_binary.libs");
    const folder = scene.path(version);
    mkdirSync(folder);
    for (const lib of ["libssl", "libcrypto"]) {
      const file = readdirSync(library).find((each) => each.startsWith(`${lib}-`))!;
      symlinkSync(join(library, file), join(folder, `${lib}.so.3`));
    }
    const env = { PORTAIL_OPENSSL: folder, PORTAIL_KEYS: "token" };
    const bun = (...args: string[]) => run([process.execPath, ...args], { env, cwd: ROOT, patience: 120_000 });
    expect((await bun("--eval", VERSION)).stdout).toBe(`${version}\n`);
    const { status, stderr } = await bun("test", "--timeout=60000", ...TESTS);
    expect([status, /(\d+) fail/.exec(stderr)?.[1]]).toEqual([0, "0"]);
    expect(Number(/(\d+) pass/.exec(stderr)?.[1])).toBeGreaterThan(140);
  });

  test("of which there is none, or by a path that is not absolute, is an error", async () => {
    const said = async (folder: string) =>
      (await run([process.execPath, "--eval", VERSION], { env: { PORTAIL_OPENSSL: folder }, cwd: ROOT })).stdout;
    expect(await said(scene.path("nowhere"))).toContain("there is no libssl.so.3 or libssl.so.4 in /");
    expect(await said("lib")).toBe("PORTAIL_OPENSSL is no absolute path\n");
  });
});
