/** A provider that is an inventory file: looked up in memory, and read again when the file has changed. */
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { EXIT, PortailError } from "../command/errors.ts";
import type { Key } from "./cache.ts";
import type { Report } from "./counts.ts";
import { InventoryError, type Inventory, type InventoryShape } from "./inventory.ts";
import { readInventory } from "./read-inventory.ts";
import { NOTHING, valuesOf, type Values } from "./targets.ts";

/** Milliseconds between two looks at the file, which are taken only when somebody asks. */
const LOOK = 2000;
const MOST_BYTES = 2 ** 30;

export interface InventoryPlan extends InventoryShape {
  /** Absolute, and as it was written. */
  readonly path: string;
  readonly name: string;
}

/** An inventory as it was read, and what tells that the file is another one now. */
export interface ReadFile {
  readonly inventory: Inventory;
  readonly mark: string;
}

/**
 * Reads the file, at a start or a reload; `before` is what was read of it last, and stands where the file is the same
 * still: reading a million rows holds up everybody. Throws `PortailError` (`provider.unreadable`, `provider.inventory`).
 */
export function readInventoryFile(plan: InventoryPlan, before?: ReadFile): ReadFile {
  try {
    const mark = markOf(plan.path);
    if (mark === before?.mark) return before;
    const reading = readInventory(readFileSync(plan.path), plan);
    for (;;) {
      const step = reading.next();
      if (step.done) return { inventory: step.value, mark };
    }
  } catch (error) {
    throw explain(plan, error);
  }
}

export class InventoryFile {
  readonly #plan: InventoryPlan;
  readonly #report: Report;
  readonly #now: () => number;
  #read: ReadFile;
  /** Of what is in force, or of what was found wanting since: it is not read twice. */
  #mark: string;
  #looked: number;
  #reading = false;

  constructor(plan: InventoryPlan, read: ReadFile, report: Report, now = () => performance.now()) {
    this.#plan = plan;
    this.#report = report;
    this.#now = now;
    this.#read = read;
    this.#mark = read.mark;
    this.#looked = now();
    report.counts.entries = read.inventory.size;
  }

  /** What is in force. */
  get read(): ReadFile {
    return this.#read;
  }

  lookup(key: Key): Values {
    if (this.#now() - this.#looked >= LOOK) this.#look();
    const row = this.#read.inventory.find(key.text);
    if (row === undefined) {
      this.#report.counts.misses++;
      return NOTHING;
    }
    this.#report.counts.hits++;
    return valuesOf(
      this.#plan.targets,
      (_target, i) => row[i],
      (target, value) => this.#report.wrongType(target, value),
    );
  }

  async idle(): Promise<void> {}

  async close(): Promise<void> {}

  #look(): void {
    this.#looked = this.#now();
    if (this.#reading) return;
    let mark: string;
    try {
      mark = markOf(this.#plan.path);
    } catch (error) {
      this.#keep(error, "gone");
      return;
    }
    if (mark === this.#mark) return;
    this.#reading = true;
    void this.#readAnew(mark).finally(() => (this.#reading = false));
  }

  /** Without holding up anybody: what is asked meanwhile is answered by the old rows. */
  async #readAnew(mark: string): Promise<void> {
    try {
      const bytes = await readFile(this.#plan.path);
      // It is being written: the next look finds out more.
      if (markOf(this.#plan.path) !== mark) return;
      const reading = readInventory(bytes, this.#plan);
      for (let step = reading.next(); ; step = reading.next()) {
        if (step.done) {
          this.#read = { inventory: step.value, mark };
          break;
        }
        await nextTurn();
      }
      this.#mark = mark;
      const { size } = this.#read.inventory;
      this.#report.counts.entries = size;
      this.#report.info("the inventory was read anew", { rows: size });
    } catch (error) {
      this.#keep(error, mark);
    }
  }

  #keep(error: unknown, mark: string): void {
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.#report.counts.troubles.syntax++;
    this.#report.warn(`the old inventory stays in force: ${explain(this.#plan, error).message}`);
  }
}

function markOf(path: string): string {
  const stat = statSync(path);
  // What is no file may have no end.
  if (!stat.isFile()) throw Object.assign(new Error("no regular file"), { code: "EISDIR" });
  if (stat.size > MOST_BYTES) throw Object.assign(new Error("larger than 1 GiB"), { code: "EFBIG" });
  const { dev, ino, size, mtimeMs, ctimeMs } = stat;
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EISDIR: "it is no regular file",
  EFBIG: "it is larger than 1 GiB",
};

function explain({ name }: InventoryPlan, error: unknown): PortailError {
  if (error instanceof InventoryError) {
    const where = error.line === undefined ? name : `${name}:${error.line}`;
    return new PortailError(`${where}: ${error.message}`, {
      code: "provider.inventory",
      exit: EXIT.badData,
      hint: 'its rows and columns are told by "column", "rows" and "set" of the provider',
    });
  }
  const { code } = error as { code?: string };
  if (code === undefined) throw error;
  return new PortailError(`cannot read the inventory ${JSON.stringify(name)}: ${REASONS[code] ?? code}`, {
    code: "provider.unreadable",
    exit: EXIT.noInput,
    hint: "paths count from the working directory",
    cause: error,
  });
}
