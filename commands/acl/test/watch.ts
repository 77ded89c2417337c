/** `--watch`: runs the cases again whenever a file that they come from changes, until a signal ends it. */
import { statSync, watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import { EXIT, PortailError, type ExitStatus } from "../../../lib/command/errors.ts";
import type { Runtime } from "../../../lib/command/runtime.ts";
import { runOnce, type Settings } from "./run.ts";

/** Milliseconds of silence after which an editor is believed to have written all of its files. */
const SETTLED = 50;

/** Returns the status of the last run. What is wrong with the files is shown, and waited for to be put right. */
export async function watchRuns(runtime: Runtime, settings: Settings): Promise<ExitStatus> {
  const files = new WatchedFiles();
  let stop = () => {};
  const stopped = new Promise<"stopped">((resolve) => (stop = () => resolve("stopped")));
  const takeOff = (["SIGINT", "SIGTERM"] as const).map((signal) => runtime.onSignal(signal, stop));
  try {
    for (;;) {
      files.clear();
      const status = await runQuietly(runtime, settings, (path) => files.add(path));
      const changed = files.changed();
      runtime.log.info(`watching ${files.size === 1 ? "1 file" : `${files.size} files`}, ^C ends`);
      if ((await Promise.race([changed, stopped])) === "stopped") return status;
      if (runtime.stdout.isTTY) runtime.stdout.write("\u001b[2J\u001b[3J\u001b[H");
    }
  } finally {
    files.close();
    for (const off of takeOff) off();
  }
}

async function runQuietly(runtime: Runtime, settings: Settings, reading: (path: string) => void): Promise<ExitStatus> {
  try {
    return await runOnce(runtime, settings, reading);
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const detail = error.detail === undefined ? "" : `${error.detail}\n`;
    runtime.log.error(`${detail}${error.message} [${error.code}]`);
    return error.exit;
  }
}

/** Folders are watched, since editors replace files; what counts is whether a file's stamp is another one. */
class WatchedFiles {
  readonly #stamps = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #look: (() => void) | undefined;

  get size(): number {
    return this.#stamps.size;
  }

  /** To be called before the file is read, so that no change is missed. A folder that is not there is let be. */
  add(path: string): void {
    const folder = dirname(path);
    const watcher = this.#folders.has(folder) ? undefined : openWatcher(folder, () => this.#stirred());
    if (watcher !== undefined) this.#folders.set(folder, watcher);
    this.#stamps.set(path, stampOf(path));
  }

  clear(): void {
    this.#stamps.clear();
  }

  /** Resolves once a file is another one than when it was added, even if that was before this call. */
  changed(): Promise<void> {
    if (this.#folders.size === 0 && this.#stamps.size > 0) throw unwatchable([...this.#stamps.keys()][0]!);
    return new Promise((resolve) => {
      this.#look = () => {
        if ([...this.#stamps].some(([path, stamp]) => stampOf(path) !== stamp)) resolve();
      };
      this.#look();
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
  }

  #stirred(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look?.(), SETTLED);
  }
}

function openWatcher(folder: string, stirred: () => void): FSWatcher | undefined {
  // Of a folder that is not there, the runtime's watcher says nothing at all.
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  return watch(folder, stirred).on("error", stirred);
}

function unwatchable(path: string): PortailError {
  return new PortailError(`cannot watch ${JSON.stringify(path)}: there is no folder ${JSON.stringify(dirname(path))}`, {
    code: "acl.unwatchable",
    exit: EXIT.noInput,
  });
}

/** A file that is not there has a stamp too. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "none" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
