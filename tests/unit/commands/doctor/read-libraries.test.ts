/** p11-kit's configuration in two folders, and what is read of modules and of trust where there is something wrong. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfigured, readLibraries, readModules } from "../../../../commands/doctor/read-libraries.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-doctor-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test("the administrator's file takes the place of that of the package", () => {
  const there = write("there.so", "");
  write("package/a.module", "module: /nowhere/a.so\n");
  write("package/b.module", "module: b-of-nobody.so\n");
  write("package/trust.module", "module: trust.so\ntrust-policy: yes\n");
  write("package/README", "module: /nowhere/readme.so\n");
  write("admin/a.module", `# ours\nmodule: ${there}\n`);
  const found = readConfigured([join(folder, "package"), join(folder, "admin"), join(folder, "none")]);
  expect(found).toEqual([
    { name: "a", path: there, found: true },
    { name: "b", path: "b-of-nobody.so", found: false },
  ]);
});

test("a module that is not there, and one that is none", async () => {
  write("text.so", "not a library\n");
  const [missing, text] = await Promise.all(readModules(fakeRuntime({ cwd: folder }), ["missing.so", "text.so"]));
  expect(missing).toEqual({ path: join(folder, "missing.so"), found: "there is no such file" });
  expect(text!.path).toBe(join(folder, "text.so"));
  expect(text!.found).toMatch(/cannot be used/);
});

test("trust that cannot be read is told, and a pipe is not waited for", () => {
  const trustOf = (file: string) => readLibraries(fakeRuntime({ env: { SSL_CERT_FILE: file } }), false).trust;
  Bun.spawnSync(["mkfifo", join(folder, "pipe")]);
  expect(trustOf(join(folder, "pipe"))).toMatch(/pipe", is no regular file$/);
  expect(trustOf(join(folder, "missing.pem"))).toMatch(/missing\.pem/);
  expect(trustOf(write("empty.pem", ""))).toMatch(/empty\.pem/);
});
