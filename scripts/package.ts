/** `npm run package`: what is given to people, in dist/package: programs, Debian and npm packages, bill of materials, checksums. */

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { EXIT } from "../lib/command/errors.ts";
import { compile } from "./compile.ts";
import { packDebian } from "./packaging/debian.ts";
import { packLauncher, packPlatform, type NpmOptions } from "./packaging/npm.ts";
import { fetchRuntime } from "./packaging/runtime.ts";
import { sbom, type Locked } from "./packaging/sbom.ts";
import { programName, TARGETS, type Target } from "./packaging/target.ts";

const ROOT = resolve(import.meta.dir, "..");
const { target: wanted, out, runtimes } = options();
const targets = wanted.map((name) => TARGETS.find((target) => target.name === name) ?? unknown(name));
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const { version, license, description } = manifest as { version: string; license: string; description: string };
const epoch = sourceEpoch();

mkdirSync(out, { recursive: true });
if (readdirSync(out).length > 0) leave(`"${out}" is not empty`, EXIT.cannotCreate);
const scratch = mkdtempSync(join(out, ".work-"));
try {
  const npm: NpmOptions = { version, license, description, epoch, scratch, folder: out };
  const made = targets.filter((target) => packTarget(target, npm));
  packLauncher(TARGETS, npm);
  writeFileSync(join(out, `portail-${version}.cdx.json`), billOfMaterials());
  rmSync(scratch, { recursive: true });
  writeFileSync(join(out, "SHA256SUMS"), checksums());
  say(`${made.length} of ${targets.length} targets are in ${out}`);
  process.exitCode = made.length === targets.length ? EXIT.done : EXIT.unavailable;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Whether it was made; one whose runtime cannot be had is left out, and said. */
function packTarget(target: Target, npm: NpmOptions): boolean {
  let runtime: string;
  try {
    runtime = fetchRuntime(target.runtime, runtimes);
  } catch (error) {
    say(`WARNING: ${target.name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  const suffix = programName(target).slice("portail".length);
  const program = join(out, `portail-${version}-${target.name}${suffix}`);
  const failure = compile(program, { addon: false, runtime: { name: target.runtime, path: runtime } });
  if (failure !== undefined) throw new Error(`${target.name}: ${failure}`);
  packPlatform(target, program, npm);
  const { debian } = target;
  if (debian !== undefined) {
    const outfile = join(out, `portail_${version}_${debian}.deb`);
    const own = { program, architecture: debian, scratch: join(scratch, `debian-${debian}`), outfile };
    packDebian({ ...own, version, epoch });
  }
  say(target.name);
  return true;
}

function billOfMaterials(): string {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const { packages } = lock as { packages: Record<string, Locked> };
  const dependencies = Object.keys(manifest.dependencies);
  return sbom({ name: "portail", version, license, packages, dependencies, epoch });
}

/** As `sha256sum` writes it. */
function checksums(): string {
  const digest = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(out, name)))
      .digest("hex");
  const names = readdirSync(out).toSorted();
  return names.map((name) => `${digest(name)}  ${name}\n`).join("");
}

/** What the environment says, else the time of the commit: a build of the same sources has the same times. */
function sourceEpoch(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const { stdout } = given === undefined ? Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: ROOT }) : {};
  const text = given ?? stdout?.toString().trim() ?? "";
  if (/^\d{1,11}$/.test(text)) return Number(text);
  return leave("set SOURCE_DATE_EPOCH to seconds since 1970: these sources are no git repository", EXIT.usage);
}

function options(): { target: string[]; out: string; runtimes: string } {
  try {
    const { values } = parseArgs({
      options: { target: { type: "string", multiple: true }, out: { type: "string" }, runtimes: { type: "string" } },
    });
    const target = values.target ?? TARGETS.map(({ name }) => name);
    const out = values.out === undefined ? cleared(join(ROOT, "dist/package")) : resolve(values.out);
    return { target, out, runtimes: resolve(values.runtimes ?? join(ROOT, "dist/runtimes")) };
  } catch (error) {
    return leave(error instanceof Error ? error.message : String(error), EXIT.usage);
  }
}

function cleared(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

function unknown(name: string): never {
  return leave(`unknown target "${name}": use some of ${TARGETS.map((target) => target.name).join(", ")}`, EXIT.usage);
}

function say(text: string): void {
  process.stderr.write(`portail: ${text}\n`);
}

function leave(text: string, status: number): never {
  say(text);
  process.exit(status);
}
