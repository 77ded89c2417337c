/** `npm run build`: compiles the program into the one file dist/portail. A failed build leaves the old file. */

import { join, resolve } from "node:path";
import { buildAddon } from "./addon.ts";
import { compile } from "./compile.ts";

const BINARY = join(resolve(import.meta.dir, ".."), "dist/portail");

const failure = compile(BINARY, { addon: buildAddon() !== undefined });
if (failure === undefined) {
  process.stderr.write(`portail: built dist/portail, ${Math.round(Bun.file(BINARY).size / 2 ** 20)} MiB\n`);
} else {
  process.stderr.write(failure);
  process.exitCode = 1;
}
