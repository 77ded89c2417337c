/** What a reader of the README has: a clone of the project, and the web. */
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../portail.ts";
import type { Scene } from "../scene.ts";
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { openWebOf } from "./world.ts";

/** What a fresh clone lacks, and what no block looks at. */
const LEFT_OUT = new Set([".git", "dist", "node_modules", "tests"]);

export const readme: Page = {
  needs: ["npm", "node", "python3", "nginx", "man"],
  terminals: ["npm start\n"],
  unrun: { "npm test\n": "it is what runs this" },
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail, clone(scene));
    await openWebOf(reader, { "example.org": "203.0.113.10" });
    return reader;
  },
};

/** A copy of the project as it is, whose packages are installed. */
export function clone(scene: Scene): string {
  const folder = scene.path("clone");
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(path.slice(ROOT.length + 1)),
  });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}
