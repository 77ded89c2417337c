/** A folder that is about to be packed: files with fixed modes and times, and programs that pack it. */

import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

export class Tree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true });
  }

  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    const file = this.#place(path);
    writeFileSync(file, content);
    chmodSync(file, mode);
  }

  copy(from: string, path: string, mode = 0o644): void {
    const file = this.#place(path);
    copyFileSync(from, file);
    chmodSync(file, mode);
  }

  /** The same file under a second name where the file system has that: programs are 100 MB. */
  link(from: string, path: string): void {
    const file = this.#place(path);
    try {
      linkSync(from, file);
    } catch {
      copyFileSync(from, file);
    }
    chmodSync(file, 0o755);
  }

  /** As `gzip -9n` writes it: no name, no time. */
  gzip(from: string | Uint8Array, path: string): void {
    this.write(`${path}.gz`, gzipSync(typeof from === "string" ? readFileSync(from) : from, { level: 9 }));
  }

  /** Gives every folder mode 0755, and everything the time `epoch`, in seconds. */
  settle(epoch: number): void {
    for (const entry of readdirSync(this.root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isDirectory()) chmodSync(path, 0o755);
      utimesSync(path, epoch, epoch);
    }
    chmodSync(this.root, 0o755);
    utimesSync(this.root, epoch, epoch);
  }

  #place(path: string): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  }
}

/** Runs a program that packs, with no more environment than it needs. Throws what it says if it fails. */
export function pack(command: readonly string[], epoch: number, cwd: string): void {
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C", SOURCE_DATE_EPOCH: String(epoch) };
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd, env, stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`${command[0]}: ${stderr.toString().trim()}`);
}
