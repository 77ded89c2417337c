/** What a scenario has on stage: a folder of its own, and everything that must be gone when it is over. Starts nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export class Scene {
  #folder: string | undefined;
  readonly #ends: (() => unknown)[] = [];

  /** Made when first asked for, removed at the end. */
  get folder(): string {
    if (this.#folder === undefined) {
      const folder = mkdtempSync(join(tmpdir(), "portail-e2e-"));
      this.#folder = folder;
      this.#ends.unshift(() => rmSync(folder, { recursive: true, force: true }));
    }
    return this.#folder;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file, with the folders above it, and returns its path. */
  write(name: string, text: string | Uint8Array, mode = 0o644): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  mkdir(name: string): string {
    mkdirSync(this.path(name), { recursive: true });
    return this.path(name);
  }

  /** Runs at the end of the scenario; what came last goes first. */
  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Everything is taken down even if some of it fails; the first failure is thrown then. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    while (this.#ends.length > 0) {
      try {
        await this.#ends.pop()!();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
