/** Compiles the program into one file, for this machine or another. Fetches nothing. */

import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
/** A compiled program would obey `.env` and `bunfig.toml` of whatever folder it is started in: that is code execution. */
const SAFE = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
/** Splitting: a start reads the chunks of its own command only, which halves the time of a short one. */
const FAST = ["--minify", "--bytecode", "--splitting", "--format=esm"];
/** Modules that are begun as threads. */
const THREADS = ["commands/mux/carrier-thread.ts", "commands/tproxy/carrier-thread.ts"];
/** An addon that was not built is not looked for: PKCS#11 modules are called by foreign functions then. */
const WITHOUT_ADDON = "--external=*/pkcs11.node";

export interface CompileOptions {
  /** Whether the addon of graphene-pk11 is built in; it is made by the compiler of this machine. */
  addon: boolean;
  /** Another machine: the name of its runtime's package, and that runtime. */
  runtime?: { name: string; path: string };
}

/** What the compiler said when it failed, else undefined. A failed one leaves the old file. */
export function compile(outfile: string, { addon, runtime }: CompileOptions): string | undefined {
  const folder = dirname(outfile);
  mkdirSync(folder, { recursive: true });
  // The file's name is part of its bytes, and the scratch folder is on the same file system: build under one name, then rename.
  const scratch = mkdtempSync(join(folder, ".build-"));
  try {
    const built = join(scratch, outfile.endsWith(".exe") ? "portail.exe" : "portail");
    const other = runtime ? [`--target=${runtime.name}`, `--compile-executable-path=${runtime.path}`] : [];
    const options = [...FAST, ...SAFE, ...(addon ? [] : [WITHOUT_ADDON]), ...other, `--outfile=${built}`];
    const command = [process.execPath, "build", "cli/main.ts", ...THREADS, "--compile", ...options];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: ROOT });
    if (exitCode !== 0) return `${stdout.toString()}${stderr.toString()}`;
    renameSync(built, outfile);
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
