/** Every flag of both sides: what it takes and what then is, what it refuses and with which words. Each case is a start of the command. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { root } from "../../../../cli/commands.ts";
import { run } from "../../../../cli/run.ts";
import { clientArgs, serverArgs } from "../../../../commands/tunnel/flags.ts";
import { parseClientProcess, parseServerProcess } from "../../../../commands/tunnel/process.ts";
import type { Side } from "../../../../commands/tunnel/settings.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import { emptyTables } from "../../../../lib/command/config-tables.ts";
import { loadConfig } from "../../../../lib/command/config.ts";
import type { ParsedArgs } from "../../../../lib/command/define.ts";
import { environmentArgs } from "../../../../lib/command/environment.ts";
import { needing } from "../../../support/needs.ts";
import { Scene } from "../../../support/scene.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";
import { writeFiles } from "./flag-table/files.ts";
import { COMPLETE, type Circumstances, type Part } from "./flag-table/row.ts";
import { FLAG_ROWS } from "./flag-table/rows.ts";

setDefaultTimeout(30_000);

const ARGS = { server: serverArgs, client: clientArgs } as const;
const SIDES = ["server", "client"] as const;

test("the table has a row for each flag, and for nothing else", () => {
  expect(Object.keys(FLAG_ROWS).toSorted()).toEqual(
    [...new Set(SIDES.flatMap((side) => Object.keys(ARGS[side])))].toSorted(),
  );
});

/** A positional is what stands behind the dashes. */
const typed = (name: string): string => (name === "command" ? "-- " : `--${name}`);

test("each row says what is taken, unless nothing is, and what is refused", () => {
  const bare = Object.entries(FLAG_ROWS).filter(([name, { takes, refuses }]) => {
    const hidden = refuses.some(([, , code]) => code === "tunnel.not_taken");
    return (
      refuses.length === 0 ||
      (takes.length === 0) !== hidden ||
      !refuses.concat(takes as never).some(([words]) => words.replaceAll("_", "-").includes(typed(name)))
    );
  });
  expect(bare.map(([name]) => name)).toEqual([]);
});

needing("flags of portail tunnel", ["openssl"], () => {
  const scene = new Scene();
  beforeAll(() => writeFiles(scene));
  afterAll(() => scene.close());

  test("flags may stand in front of the side, as ghostunnel takes them", async () => {
    const early = "--cert @/own-cert.pem --key @/own-key.pem --cacert @/ca.pem --quiet=conns";
    const start = new Start(scene, "server", "--allow-all", { without: ["identity", "trust", "who"] }, early);
    expect(await start.run()).toEqual({ status: 0, error: undefined });
    const wrong = new Start(scene, "server", "", { without: ["identity", "trust"] }, early.replace("=conns", "=some"));
    expect(await wrong.run()).toMatchObject({
      status: 64,
      error: { code: "usage.value", message: expect.stringContaining('"some"') },
    });
  });

  for (const side of SIDES) {
    describe(side, () => {
      for (const [name, { takes, refuses }] of Object.entries(FLAG_ROWS)) {
        if (!Object.hasOwn(ARGS[side], name)) continue;
        const applies = (circumstances: Circumstances = {}) => (circumstances.side ?? side) === side;
        for (const [words, gives, circumstances] of takes) {
          if (!applies(circumstances)) continue;
          test(`--${name} takes ${words || "nothing"}${variables(circumstances)}`, async () => {
            const start = new Start(scene, side, words, circumstances);
            expect(start.settings()).toMatchObject(within(scene, gives) as never);
            if (circumstances?.runs !== false) expect(await start.run()).toEqual({ status: 0, error: undefined });
          });
        }
        for (const [words, exit, code, message, hint, circumstances] of refuses) {
          if (!applies(circumstances)) continue;
          test(`--${name} refuses ${words || "nothing"}${variables(circumstances)}`, async () => {
            const { status, error } = await new Start(scene, side, words, circumstances).run();
            expect({ status, error }).toMatchObject({
              status: exit,
              error: { message: expect.stringContaining(message) },
            });
            expect(error!.code).toStartWith(code);
            expect(error!.hint).toContain(hint);
            expect(error!.hint).not.toBe("");
          });
        }
      }
    });
  }
});

function variables({ env = {} }: Circumstances = {}): string {
  return Object.keys(env).length === 0 ? "" : ` with ${Object.keys(env).join(" and ")}`;
}

/** `@/` in values of the table is the folder of its files. */
function within<T>(scene: Scene, value: T): unknown {
  if (typeof value === "string") return value.replaceAll("@/", `${scene.folder}/`);
  if (Array.isArray(value)) return value.map((item) => within(scene, item));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, within(scene, item)]));
}

interface Outcome {
  status: number;
  error: { message: string; code: string; hint: string } | undefined;
}

/** The command line of a case. */
class Start {
  readonly #side: Side;
  readonly #argv: string[];
  readonly #env: Record<string, string>;
  readonly #cwd: string;
  readonly #early: string[];

  /** `early` stands in front of the side. */
  constructor(scene: Scene, side: Side, words: string, { without = [], env = {} }: Circumstances = {}, early = "") {
    this.#early = early
      .split(" ")
      .filter(Boolean)
      .map((word) => String(within(scene, word)));
    const parts = Object.entries(COMPLETE[side]).filter(([part]) => !without.includes(part as Part));
    const line = [...parts.map(([, text]) => text), words].flatMap((text) => text.split(" ")).filter(Boolean);
    this.#side = side;
    this.#argv = line.map((word) => String(within(scene, word)));
    this.#env = within(scene, env) as Record<string, string>;
    this.#cwd = scene.folder;
  }

  /** As the command reads them, which then opens nothing. */
  settings() {
    const args = ARGS[this.#side];
    const given = vetArgv(this.#argv, args);
    const path = given.get("config") as string | undefined;
    const file = path === undefined ? undefined : loadConfig(path, this.#cwd, { meta: META, args });
    const all = completeArgs(args, given, file?.values ?? new Map(), environmentArgs(args, this.#env));
    const config = { tables: file?.tables ?? emptyTables() };
    return this.#side === "server"
      ? parseServerProcess(all as ParsedArgs<typeof serverArgs>, config)
      : parseClientProcess(all as ParsedArgs<typeof clientArgs>, config, given.get("stdio") === true);
  }

  /** Runs the command; once it listens it is told to stop. */
  async run(): Promise<Outcome> {
    const runtime = fakeRuntime({ cwd: this.#cwd, env: this.#env });
    const text = () => runtime.stderr.text();
    const over: number[] = [];
    const ended = run(root, ["tunnel", ...this.#early, this.#side, ...this.#argv], runtime).then((status) =>
      over.push(status),
    );
    while (over.length === 0 && !text().includes("listening on ")) await Bun.sleep(1);
    runtime.raise("SIGTERM");
    await ended;
    const [, message, code, hint = ""] =
      /^portail tunnel \w+: (.*) \[([\w.]+)\]\n(?: {2}hint: (.*)\n)?$/m.exec(text()) ?? [];
    const error = message === undefined ? undefined : { message, code: code!, hint };
    return { status: over[0]!, error };
  }
}

const META = { name: "server", description: "", examples: [], exits: [], tables: ["tunnel"] as const };
