/** `-- PROGRAM`: the tunnel for one program, from its start to its end, with nothing left behind. */
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { ChildCommand } from "../../lib/service/child.ts";
import { runForProgram } from "../../lib/service/for-program.ts";
import type { clientArgs } from "./flags.ts";
import type { ProcessSettings } from "./process.ts";
import { openProcess } from "./serve.ts";

/** The flags as they are meant where a program is named: it listens for that program alone. Throws `PortailError` (64). */
export function forProgram(given: ParsedArgs<typeof clientArgs>): ParsedArgs<typeof clientArgs> {
  const beside = (["stdio", "status", "enable-shutdown"] as const).find((name) => given[name]);
  if (beside !== undefined || given.workers !== "1")
    throw usage(
      "usage.conflict",
      `--${beside ?? "workers"} and a program behind -- exclude each other`,
      "leave it out: nobody else uses the tunnel",
    );
  return given.listen.length === 0 ? { ...given, listen: [ANY_PORT] } : given;
}

const ANY_PORT = "127.0.0.1:0";

/** Runs the program that `given` names, and resolves with its exit status. Without `--listen` a port of chance is taken. */
export async function runProgram(
  runtime: Runtime,
  settings: ProcessSettings,
  given: ParsedArgs<typeof clientArgs>,
): Promise<number> {
  const command = new ChildCommand(given.command, given.env, "--env");
  return runForProgram(() => command, await openProcess(runtime, settings), runtime);
}
