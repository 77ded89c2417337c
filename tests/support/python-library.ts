/** Libraries of Python that Debian has too old or not at all: fetched once, kept in the temporary folder. Imports none of them. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./program.ts";

/** Milliseconds for the first time, which fetches. */
const PATIENCE = 300_000;
/** Debian's own, whatever else is in PATH. */
export const PYTHON = "/usr/bin/python3";

/** A folder for PYTHONPATH with `name` of exactly `version`, as a wheel: nothing is built. Packages come from where pip is told. */
export async function pythonLibrary(name: string, version: string): Promise<string> {
  const folder = join(tmpdir(), `portail-python-${process.getuid?.() ?? 0}`);
  const library = join(folder, `${name}-${version}`);
  if (existsSync(library)) return library;
  const work = `${library}-${process.pid}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const settings = Object.entries(process.env).filter(([key]) => key.startsWith("PIP_"));
  const command = ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", work, `${name}==${version}`];
  const env = { ...(Object.fromEntries(settings) as Record<string, string>), HOME: folder };
  const { status, stderr } = await run([PYTHON, ...command], { env, patience: PATIENCE });
  if (status !== 0) throw new Error(`pip install ${name}: ${stderr}`);
  if (existsSync(library)) rmSync(work, { recursive: true });
  else renameSync(work, library);
  return library;
}
