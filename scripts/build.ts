/** `npm run build`: compiles the program into the one file dist/portail. A failed build leaves the old file. */

import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildAddon } from "./addon.ts";

const ROOT = resolve(import.meta.dir, "..");
/** An addon that was not built is not looked for: PKCS#11 modules are called by foreign functions then. */
const WITHOUT_ADDON = ["--external=*/pkcs11.node"];
const DIST = join(ROOT, "dist");

/** A compiled program would obey `.env` and `bunfig.toml` of whatever folder it is started in: that is code execution. */
const SAFE = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
/** Splitting: a start reads the chunks of its own command only, which halves the time of a short one. */
const FAST = ["--minify", "--bytecode", "--splitting", "--format=esm"];

mkdirSync(DIST, { recursive: true });
// The file's name is part of its bytes, and `dist` is on the same file system: build under the final name, then rename.
const scratch = mkdtempSync(join(DIST, ".build-"));
try {
  const built = join(scratch, "portail");
  const addon = buildAddon() === undefined ? WITHOUT_ADDON : [];
  const args = ["build", "cli/main.ts", "--compile", ...FAST, ...SAFE, ...addon, `--outfile=${built}`];
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, ...args], { cwd: ROOT });
  if (exitCode !== 0) {
    process.stderr.write(`${stdout.toString()}${stderr.toString()}`);
    process.exitCode = 1;
  } else {
    renameSync(built, join(DIST, "portail"));
    process.stderr.write(
      `portail: built dist/portail, ${Math.round(Bun.file(join(DIST, "portail")).size / 2 ** 20)} MiB\n`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
