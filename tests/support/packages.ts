/** What `npm run package` makes for this machine: once per run of the tests, and once more from a copy of the sources. Asserts nothing. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./portail.ts";
import { run } from "./program.ts";

/** Milliseconds for one making of the packages. */
export const MAKING = 280_000;
export const TARGET = `linux-${process.arch}`;
const EPOCH = 1_700_000_000;
/** What a clone lacks, or a build does not read. */
const NOT_COPIED = new Set([".git", "dist", "tests"]);

let made: Promise<string> | undefined;

/** Folder of the packages. */
export function packages(): Promise<string> {
  return (made ??= make());
}

async function make(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "portail-packages-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await makePackages(ROOT, folder);
  return folder;
}

/** Makes them of the sources in `root`. */
export async function makePackages(root: string, out: string, umask = "022", env: Record<string, string> = {}) {
  const script = `umask ${umask} && exec "$0" "$@"`;
  const command = [process.execPath, join(root, "scripts/package.ts"), "--target", TARGET, "--out", out];
  const { status, stderr } = await run(["sh", "-c", script, ...command], {
    cwd: root,
    env: { SOURCE_DATE_EPOCH: String(EPOCH), ...env },
    patience: MAKING,
  });
  if (status !== 0) throw new Error(stderr);
}

/** A copy of the project with its installation. */
export async function copySources(folder: string): Promise<void> {
  const entries = readdirSync(ROOT).filter((name) => !NOT_COPIED.has(name));
  const { status, stderr } = await run(["cp", "--archive", ...entries, folder], { cwd: ROOT, patience: MAKING });
  if (status !== 0) throw new Error(stderr);
}
