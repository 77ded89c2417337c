/** The pinned runtime of another machine, from the registry that Bun is told, held to the digest of the lock file. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");

/** Path of the runtime: the installed one, or fetched once, into `cache`. Throws where it cannot be had. */
export function fetchRuntime(name: string, cache: string): string {
  const version = Bun.version;
  const folder = join(cache, `${name}-${version}`);
  const installed = binaryIn(ROOT, name);
  if (installed !== undefined) return installed;
  if (!existsSync(folder)) install(name, version, folder);
  const fetched = binaryIn(folder, name);
  if (fetched === undefined) throw new Error(`@oven/${name} has no program`);
  return fetched;
}

function binaryIn(folder: string, name: string): string | undefined {
  const binaries = ["bun", "bun.exe"].map((file) => join(folder, "node_modules/@oven", name, "bin", file));
  return binaries.find((path) => existsSync(path));
}

/** An installation of nothing else, frozen to the line of our lock file: another content is refused. */
function install(name: string, version: string, folder: string): void {
  const line = lockedLine(readFileSync(join(ROOT, "bun.lock"), "utf8"), name, version);
  const work = `${folder}-${process.pid}`;
  const dependencies = { [`@oven/${name}`]: version };
  const workspaces = { "": { name: "runtime", dependencies } };
  const lock = `{"lockfileVersion": 2, "configVersion": 1, "workspaces": ${JSON.stringify(workspaces)}, "packages": {${line}}}`;
  mkdirSync(work, { recursive: true });
  try {
    writeFileSync(join(work, "package.json"), JSON.stringify({ name: "runtime", dependencies }));
    writeFileSync(join(work, "bun.lock"), lock);
    const options = ["--frozen-lockfile", "--ignore-scripts", "--os=*", "--cpu=*", "--backend=copyfile"];
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "install", ...options], { cwd: work });
    if (exitCode !== 0) throw new Error(`cannot fetch @oven/${name} ${version}: ${stderr.toString().trim()}`);
    if (!existsSync(folder)) renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The entry of a package in the text of a bun.lock. Throws if it is not there in this version. */
function lockedLine(lock: string, name: string, version: string): string {
  const line = lock.split("\n").find((text) => text.startsWith(`    "@oven/${name}": ["@oven/${name}@${version}"`));
  if (line === undefined) throw new Error(`bun.lock has no @oven/${name} ${version}`);
  return line.trim();
}
