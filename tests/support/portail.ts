/** The program under test, from source or compiled and copied to where nothing of the project is in sight. Asserts nothing. */
import { copyFileSync, existsSync, linkSync } from "node:fs";
import { resolve } from "node:path";
import { AccessProxy, type AccessProxyOptions } from "./access-proxy.ts";
import { run, start, type Outcome, type Program, type RunOptions } from "./program.ts";
import { RunningTunnel, type TunnelOptions } from "./tunnel-scene.ts";
import type { Scene } from "./scene.ts";

export const ROOT = resolve(import.meta.dir, "../..");

export interface Form {
  name: "source" | "binary";
  /** The command line up to the subcommand. */
  command(scene: Scene): string[];
}

const SOURCE: Form = { name: "source", command: () => [process.execPath, resolve(ROOT, "cli/main.ts")] };

/** The compiled one is that of PORTAIL_BINARY, or is built once per run of the tests. */
const BINARY: Form = {
  name: "binary",
  command(scene) {
    const copy = scene.path("portail");
    if (!existsSync(copy)) place((compiled ??= process.env["PORTAIL_BINARY"] ?? build()), copy);
    return [copy];
  },
};

export const FORMS: readonly Form[] = [SOURCE, BINARY];

let compiled: string | undefined;

/** As a second name of the same file where the file system has that: a copy is 100 MB for each scene. */
function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function build(): string {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, resolve(ROOT, "scripts/build.ts")], { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`the build failed: ${stderr.toString()}`);
  return resolve(ROOT, "dist/portail");
}

export class Portail {
  readonly #form: Form;
  readonly #scene: Scene;

  constructor(form: Form, scene: Scene) {
    this.#form = form;
    this.#scene = scene;
  }

  get command(): string[] {
    return this.#form.command(this.#scene);
  }

  /** Runs it to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run([...this.command, ...args], { cwd: this.#scene.folder, ...options });
  }

  /** `prefix` stands before the command line. */
  start(args: readonly string[], env: Record<string, string> = {}, prefix: readonly string[] = []): Program {
    return start(this.#scene, [...prefix, ...this.command, ...args], { env });
  }

  /** `portail socks`, once it listens. */
  async socks(options: AccessProxyOptions): Promise<AccessProxy> {
    const proxy = new AccessProxy(this.#scene, (args) => this.start(args, options.env), options);
    await proxy.listening();
    return proxy;
  }

  /** `portail tunnel server` or `client`, once it listens. */
  async tunnel(options: TunnelOptions): Promise<RunningTunnel> {
    const begin = (args: string[]) => this.start(args, options.env, options.prefix);
    const tunnel = new RunningTunnel(this.#scene, begin, options);
    await tunnel.listening();
    return tunnel;
  }
}
