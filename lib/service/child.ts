/** Runs the program behind `--`: with our streams and environment, with templates filled in, to its end. What it connects to is the command's. */
import { readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { EXIT, PortailError } from "../command/errors.ts";
import type { Runtime, Signal } from "../command/runtime.ts";
import { Template } from "../command/template.ts";

/** What arguments and settings may hold, in braces: where the program is to connect. */
const CHILD_VALUES = ["host", "port", "socket"] as const;

export type ChildValues = Readonly<Record<(typeof CHILD_VALUES)[number], string>>;

/** Of us, and of the program where it is not told of them by the system itself. */
const PASSED_ON: readonly Signal[] = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"];
/** A terminal sends these to all of its foreground processes. */
const OF_TERMINALS = new Set<Signal>(["SIGINT", "SIGQUIT"]);

/** A command line that was found good; its program is looked for when it runs. */
export class ChildCommand {
  readonly #program: string;
  readonly #args: readonly Template<keyof ChildValues>[];
  readonly #env: readonly (readonly [name: string, value: Template<keyof ChildValues>])[];

  /**
   * `words` are the program and its arguments, `settings` are `NAME=VALUE` for its environment, in which `flag` was
   * given. Throws `PortailError` (`child.missing`, `child.setting`, `template.*`), which repeats no argument and no value:
   * they may be secrets.
   */
  constructor(words: readonly string[], settings: readonly string[], flag: string) {
    const [program, ...args] = words;
    if (program === undefined || program === "") {
      throw new PortailError("the program to run is missing", {
        code: "child.missing",
        exit: EXIT.usage,
        hint: "write it behind --, e.g. -- psql -h {host} -p {port}",
      });
    }
    this.#program = program;
    this.#args = args.map((text, i) => Template.parse(text, CHILD_VALUES, `argument ${i + 1} of ${program}`));
    this.#env = settings.map((text) => parseSetting(text, flag));
  }

  /** Which values are asked for. */
  get mentions(): ReadonlySet<keyof ChildValues> {
    return new Set([...this.#args, ...this.#env.map(([, value]) => value)].flatMap(({ names }) => names));
  }

  /**
   * Starts the program and resolves with its exit status once it has ended: 128 and the number of the signal where one
   * ended it. Signals that we receive meanwhile are passed on, and do not end us; on our own end, a crash included, the
   * program is told to end too. Throws `PortailError` (`child.not_found`, `child.not_executable`, `child.failed`).
   */
  async run(values: ChildValues, runtime: Runtime): Promise<number> {
    const settings = this.#env.map(([name, value]) => [name, value.expand(values)] as const);
    const env = { ...runtime.env, ...Object.fromEntries(settings) };
    const path = findProgram(this.#program, env["PATH"], runtime.cwd);
    let child: Bun.Subprocess | undefined;
    const terminate = () => child?.kill("SIGTERM");
    // Ahead of the start: a signal that comes right behind it must not end us alone.
    process.once("exit", terminate);
    const off = PASSED_ON.map((signal) =>
      runtime.onSignal(signal, () => {
        if (!OF_TERMINALS.has(signal) || !isForeground()) child?.kill(signal);
      }),
    );
    try {
      child = this.#spawn(path, { env, cwd: runtime.cwd }, values);
      await child.exited;
      return child.signalCode === null ? child.exitCode! : 128 + constants.signals[child.signalCode as NodeJS.Signals];
    } finally {
      process.off("exit", terminate);
      for (const release of off) release();
    }
  }

  #spawn(path: string, where: { env: Runtime["env"]; cwd: string }, values: ChildValues) {
    const args = this.#args.map((template) => template.expand(values));
    try {
      const stdio = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
      return Bun.spawn([path, ...args], { ...where, ...stdio, argv0: this.#program });
    } catch (error) {
      const code = (error as { code?: string }).code ?? "unknown";
      // It is there: ENOENT is for the interpreter of a script.
      if (code === "EACCES" || code === "ENOEXEC" || code === "ENOENT") throw notExecutable(this.#program, error);
      throw new PortailError(`cannot start ${JSON.stringify(this.#program)}: ${code}`, {
        code: "child.failed",
        exit: EXIT.os,
        hint: "try the command line by itself",
        cause: error,
      });
    }
  }
}

function parseSetting(text: string, flag: string): readonly [string, Template<keyof ChildValues>] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new PortailError(`${flag}: a setting is not NAME=VALUE`, {
      code: "child.setting",
      exit: EXIT.usage,
      hint: "write e.g. PGPORT={port}",
    });
  }
  return [name, Template.parse(value, CHILD_VALUES, `${flag} ${name}`)];
}

/**
 * A path as it is, a bare name in the folders of `PATH`; an empty folder is none, where a shell would take the current one.
 * Throws `PortailError` (`child.not_found`, `child.not_executable`).
 */
export function findProgram(program: string, path: string | undefined, cwd: string): string {
  const folders = (path ?? "").split(":").filter((folder) => folder !== "");
  const candidates = program.includes("/") ? [program] : folders.map((folder) => join(folder, program));
  const files = candidates.map((candidate) => resolve(cwd, candidate)).filter(isFile);
  const found = files.find((file) => Bun.which(file) !== null);
  if (found !== undefined) return found;
  if (files.length > 0) throw notExecutable(program);
  throw new PortailError(`cannot start ${JSON.stringify(program)}: no such program`, {
    code: "child.not_found",
    exit: EXIT.unavailable,
    hint: program.includes("/") ? "check its path" : "install it, or give its path",
  });
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function notExecutable(program: string, cause?: unknown): PortailError {
  return new PortailError(`cannot start ${JSON.stringify(program)}: it is not executable`, {
    code: "child.not_executable",
    exit: EXIT.unavailable,
    hint: "check its mode, and its first line where it is a script",
    ...(cause !== undefined && { cause }),
  });
}

/**
 * Whether what a terminal sends reaches the program by itself: we are among the foreground processes of one, and so is
 * whom we started (proc(5), the fields pgrp, tty_nr and tpgid). Passing it on as well would make it two.
 */
function isForeground(): boolean {
  try {
    const text = readFileSync("/proc/self/stat", "latin1");
    const [, , group, , terminal, foreground] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return terminal !== "0" && group === foreground;
  } catch {
    return false;
  }
}
