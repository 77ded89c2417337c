/** The Varlink library in Go (tests/support/varlink), as a client of the control socket, perhaps as another user. Asserts nothing. */
import { chmodSync, copyFileSync, existsSync } from "node:fs";
import { goProgram } from "./go-program.ts";
import { run } from "./program.ts";
import type { Scene } from "./scene.ts";

export interface LibraryReply {
  parameters?: Record<string, unknown>;
  continues?: boolean;
  error?: string;
}

/** What its parser finds in a definition: of a method the names of its parameters, `->`, and those of its results. */
export interface Definition {
  name: string;
  methods: Record<string, string[]>;
  errors: string[];
  types: string[] | null;
}

/** Who calls: ids of the system; root without. */
export interface Caller {
  uid: number;
  gid: number;
  groups?: readonly number[];
}

export class VarlinkLibrary {
  readonly #program: string;
  readonly #address: string;

  private constructor(program: string, path: string) {
    this.#program = program;
    this.#address = `unix:${path}`;
  }

  /** For the socket at `path`. The program stands in the scene, where every user can run it. */
  static async open(scene: Scene, path: string): Promise<VarlinkLibrary> {
    const copy = scene.path("varlink-client");
    if (!existsSync(copy)) copyFileSync(await goProgram("varlink"), copy);
    chmodSync(copy, 0o755);
    chmodSync(scene.folder, 0o755);
    return new VarlinkLibrary(copy, path);
  }

  info(): Promise<{ vendor: string; product: string; version: string; interfaces: string[] }> {
    return this.#one(["info", "-"]);
  }

  describe(name: string): Promise<Definition> {
    return this.#one(["describe", name]);
  }

  /** The only reply. */
  async call(method: string, parameters: object = {}, caller?: Caller): Promise<LibraryReply> {
    const [reply] = await this.#replies([method, JSON.stringify(parameters)], caller);
    return reply!;
  }

  /** All replies. */
  stream(method: string, parameters: object = {}, caller?: Caller): Promise<LibraryReply[]> {
    return this.#replies([method, JSON.stringify(parameters), "more"], caller);
  }

  /** Waits for no reply. */
  async tell(method: string, parameters: object = {}): Promise<void> {
    await this.#replies([method, JSON.stringify(parameters), "oneway"]);
  }

  async #one<T>(args: readonly string[]): Promise<T> {
    const [reply] = await this.#replies(args);
    return reply as T;
  }

  async #replies(args: readonly string[], caller?: Caller): Promise<LibraryReply[]> {
    const { status, stdout, stderr } = await run([...become(caller), this.#program, this.#address, ...args]);
    if (status !== 0) throw new Error(stderr);
    return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as LibraryReply]));
  }
}

/** What stands before a command line that `caller` is to run. */
export function become(caller: Caller | undefined): string[] {
  if (caller === undefined) return [];
  const { uid, gid, groups = [] } = caller;
  const others = groups.length === 0 ? ["--clear-groups"] : [`--groups=${groups.join(",")}`];
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, ...others];
}
