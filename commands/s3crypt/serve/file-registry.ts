/** Rights to upload kept in an SQLite file: for the proxies of one machine. A lock of another process is waited for without blocking. */
import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Database, Statement } from "bun:sqlite";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { RegistryError, type WriteOnce } from "./write-once.ts";

/** Milliseconds for which a file that another process holds is tried again. */
const PATIENCE = 2000;
/** Rights that ran out and are removed with each that is taken: more than come, so that they do not pile up. */
const PURGED = 16;
/** "prt1": a file of another program is left alone. */
const APPLICATION = 0x70727431;

const SCHEMA = `CREATE TABLE IF NOT EXISTS used (name TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_until ON used (until);
PRAGMA application_id = ${APPLICATION};`;

export class FileRegistry implements WriteOnce {
  readonly place: string;
  readonly #db: Database;
  readonly #now: () => number;
  readonly #take: Statement;
  readonly #give: Statement;
  readonly #purge: Statement;
  #closed = false;

  /**
   * Opens the file, or makes it; only its owner may read it, and a folder that is made for it. Throws `PortailError`
   * (`s3crypt.registry`) where it cannot be used, or is another program's.
   */
  static async open(path: string, now: () => number = Date.now): Promise<FileRegistry> {
    const { Database: Opened } = await import("bun:sqlite");
    const fault = (error: unknown) => refused(path, error);
    let db: Database | undefined;
    try {
      makePrivate(path);
      const opened = new Opened(path, { readwrite: true });
      db = opened;
      return await patiently(() => new FileRegistry(path, prepared(opened), now));
    } catch (error) {
      db?.close();
      throw fault(error);
    }
  }

  private constructor(path: string, db: Database, now: () => number) {
    this.place = path;
    this.#db = db;
    this.#now = now;
    this.#take = db.prepare(
      `INSERT INTO used (name, until) VALUES (?1, ?2)
       ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE used.until <= ?3`,
    );
    this.#give = db.prepare("DELETE FROM used WHERE name = ?1 AND until = ?2");
    this.#purge = db.prepare(
      "DELETE FROM used WHERE name IN (SELECT name FROM used WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    );
  }

  async take(name: string, until: number): Promise<boolean> {
    return this.#run(() => {
      const now = this.#now();
      const taken = this.#take.run(name, stored(until), now).changes > 0;
      if (taken) this.#tidy(now);
      return taken;
    });
  }

  async give(name: string, until: number): Promise<void> {
    await this.#run(() => this.#give.run(name, stored(until)));
  }

  close(): void {
    this.#closed = true;
    this.#db.close();
  }

  /** Rights that have not been removed yet, for tests. */
  get size(): number {
    return (this.#db.query("SELECT count(*) AS n FROM used").get() as { n: number }).n;
  }

  /** The right is taken whether or not there is room to tidy. */
  #tidy(now: number): void {
    try {
      this.#purge.run(now, PURGED);
    } catch (error) {
      if (codeOf(error) === "") throw error;
    }
  }

  async #run<T>(work: () => T): Promise<T> {
    try {
      return await patiently(() => {
        if (this.#closed) throw new RegistryError(`${JSON.stringify(this.place)} is closed`);
        return work();
      });
    } catch (error) {
      const code = codeOf(error);
      if (code === "") throw error;
      throw new RegistryError(`${JSON.stringify(this.place)}: ${(error as Error).message} (${code})`, { cause: error });
    }
  }
}

/** SQLite has integers alone; this one is no time that comes. */
function stored(until: number): number {
  return Math.min(Math.ceil(until), Number.MAX_SAFE_INTEGER);
}

/** Its own companions (`-wal`, `-shm`) get the mode of the file. */
function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_CLOEXEC } = constants as typeof constants & { O_CLOEXEC?: number };
  const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | (O_CLOEXEC ?? 0), 0o600);
  try {
    const { mode } = fstatSync(fd);
    if ((mode & 0o077) !== 0) fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
}

/** Checks it whole, and writes to it. */
function prepared(db: Database): Database {
  const number = (pragma: string) => Object.values(db.query(`PRAGMA ${pragma}`).get() as Record<string, number>)[0];
  const application = number("application_id");
  const tables = (db.query("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number }).n;
  if (application !== APPLICATION && (application !== 0 || tables > 0)) throw new Error("it is another program's");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.transaction(() => db.run(SCHEMA)).immediate();
  const found = Object.values(db.query("PRAGMA quick_check(1)").get() as Record<string, string>)[0];
  if (found !== "ok") throw new Error(`it is damaged: ${found}`);
  return db;
}

/** Runs `work` until no other process is in its way. */
async function patiently<T>(work: () => T): Promise<T> {
  const end = performance.now() + PATIENCE;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return work();
    } catch (error) {
      if (!/^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(error)) || performance.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
}

/** "" for what SQLite has not said. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : "";
}

function refused(path: string, error: unknown): PortailError {
  const { code, message } = error as { code?: string; message: string };
  const why = code !== undefined && !code.startsWith("SQLITE_") ? code : message;
  return new PortailError(`the registry of --write-once cannot be kept in ${JSON.stringify(path)}: ${why}`, {
    code: "s3crypt.registry",
    exit: EXIT.cannotCreate,
    hint: "name a file on a local disk as --write-once-db; its folder must be writable too",
    cause: error,
  });
}
