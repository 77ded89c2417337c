/** Both lock files: the same packages, exact, and no address of a download. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** `name@version` to integrity. */
function npmLocked(): Map<string, string> {
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const entries = Object.entries(packages).filter(([path]) => path !== "");
  return new Map(
    entries.map(([path, { version, integrity }]) => [`${path.split("node_modules/").at(-1)}@${version}`, integrity]),
  );
}

function bunLocked(): Map<string, string> {
  const lines = read("bun.lock").matchAll(/^ {4}"[^"]+": \["([^"]+)".*"(sha512-[^"]+)"\],?$/gm);
  return new Map([...lines].map(([, name, integrity]) => [name!, integrity!]));
}

test("npm's and Bun's lock files hold the same packages with the same digests", () => {
  const npm = npmLocked();
  expect(npm.size).toBeGreaterThan(10);
  expect([...npm].toSorted()).toEqual([...bunLocked()].toSorted());
});

test("dependencies are exact, and locked as declared", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(npmLocked().has(`${name}@${version}`)).toBe(true);
  }
});

test("no lock file names where packages were downloaded", () => {
  for (const path of ["package-lock.json", "bun.lock"]) expect(read(path)).not.toMatch(/"resolved"|\.tgz/);
});
