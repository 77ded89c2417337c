/** A fresh Debian of its own, by debootstrap: fetched once, kept in the temporary folder, copied for each use. Needs root. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, start, type Outcome, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";

/** Milliseconds for the first time, which fetches some 100 packages. */
export const BOOTSTRAPPING = 500_000;

export class DebianRoot {
  readonly folder: string;
  readonly #scene: Scene;

  private constructor(scene: Scene, folder: string) {
    this.#scene = scene;
    this.folder = folder;
  }

  static async open(scene: Scene): Promise<DebianRoot> {
    const folder = scene.path("debian");
    await must(["cp", "--archive", "--reflink=auto", await bootstrapped(), folder]);
    return new DebianRoot(scene, folder);
  }

  /** Runs a program of that system to its end. */
  run(command: readonly string[]): Promise<Outcome> {
    return run([...this.#inside, ...command], { patience: BOOTSTRAPPING });
  }

  /** Starts one; it ends with the scene. The network is that of this machine. */
  start(command: readonly string[]): Program {
    return start(this.#scene, [...this.#inside, ...command]);
  }

  /** What is there: kind, mode, owner and path of everything but what dpkg keeps of itself. */
  async inventory(): Promise<string[]> {
    const own = ["./proc", "./var/lib/dpkg", "./var/log", "./tmp"].flatMap((path) => ["-path", path, "-prune", "-o"]);
    const { stdout } = await must(["find", ".", ...own, "-printf", "%y %m %U %G %p %l\\n"], this.folder);
    return stdout.trim().split("\n").toSorted();
  }

  get #inside(): string[] {
    const own = ["--mount", "--pid", "--fork", "--kill-child", `--mount-proc=${join(this.folder, "proc")}`];
    return ["unshare", ...own, "chroot", this.folder, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
  }
}

/** The release that this machine runs, from where its apt is told. */
async function bootstrapped(): Promise<string> {
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  if (suite === undefined) throw new Error("/etc/os-release names no release of Debian");
  const store = join(tmpdir(), `portail-debian-${process.getuid?.() ?? 0}`);
  const base = join(store, suite);
  if (existsSync(base)) return base;
  const work = `${base}-${process.pid}`;
  mkdirSync(store, { recursive: true, mode: 0o700 });
  try {
    await must(["debootstrap", "--variant=minbase", suite, work]);
    await must(["rm", "-r", join(work, "var/cache/apt"), join(work, "var/lib/apt/lists")]);
    if (!existsSync(base)) renameSync(work, base);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return base;
}

async function must(command: readonly string[], cwd?: string): Promise<Outcome> {
  const outcome = await run(command, { patience: BOOTSTRAPPING, ...(cwd !== undefined && { cwd }) });
  if (outcome.status !== 0) throw new Error(`${command.join(" ")}: ${outcome.stdout}${outcome.stderr}`);
  return outcome;
}
