/** What a command is called with: its flags out of argv, the configuration file and the environment, laid over each other. */
import { completeArgs, type ArgValues } from "./argv.ts";
import { emptyTables } from "./config-tables.ts";
import { loadConfig } from "./config.ts";
import type { Command, Config, Invocation } from "./define.ts";
import { environmentArgs } from "./environment.ts";
import type { Runtime } from "./runtime.ts";

/** `given` are the flags of argv. Reads the file that `--config` names; throws `PortailError` for it, and for what is missing. */
export function invocationOf(command: Command, given: ArgValues, runtime: Runtime): Invocation {
  const file = readConfig(command, given, runtime);
  const args = completeArgs(command.args, given, file.values, environmentArgs(command.args, runtime.env));
  return { args: args as Invocation["args"], data: runtime, config: file.config };
}

/** A command with the flag `config` (lib/command/flags.ts) takes a file. */
function readConfig(command: Command, given: ArgValues, { cwd }: Runtime): { values: ArgValues; config: Config } {
  const path = given.get("config");
  if (typeof path !== "string" || command.meta.foreignConfig)
    return { values: new Map(), config: { tables: emptyTables() } };
  const { values, tables, place } = loadConfig(path, cwd, command);
  return { values, config: { path, tables, place } };
}
