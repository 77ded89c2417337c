/** Packages of npm that only tests drive: fetched once, kept in the temporary folder, none of them among the project's own. Imports none. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./program.ts";

/** Milliseconds for the first time, which fetches. */
const PATIENCE = 300_000;

/** A folder whose node_modules has `packages` of exactly these versions; scripts of packages are not run. They come from where Bun is told. */
export async function npmLibrary(packages: Readonly<Record<string, string>>): Promise<string> {
  const manifest = JSON.stringify({ private: true, dependencies: packages });
  const name = createHash("sha256").update(manifest).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `portail-npm-${process.getuid?.() ?? 0}`);
  const library = join(folder, name);
  if (existsSync(library)) return library;
  const work = `${library}-${process.pid}`;
  mkdirSync(work, { recursive: true, mode: 0o700 });
  writeFileSync(join(work, "package.json"), manifest);
  const settings = Object.entries(process.env).filter(([key]) => /^(HOME$|npm_config_|BUN_CONFIG_)/i.test(key));
  const env = Object.fromEntries(settings) as Record<string, string>;
  const { status, stderr } = await run([process.execPath, "install", "--ignore-scripts", "--no-summary"], {
    cwd: work,
    env,
    patience: PATIENCE,
  });
  if (status !== 0) throw new Error(`bun install of ${Object.keys(packages).join(", ")}: ${stderr}`);
  if (existsSync(library)) rmSync(work, { recursive: true });
  else renameSync(work, library);
  return library;
}
