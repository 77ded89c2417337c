/** Words of a command line that is not finished: which flags and arguments it has so far. Refuses nothing, unlike lib/command/argv.ts. */

import type { ArgDefinition, ArgDefinitions } from "../../lib/command/define.ts";

export interface ReadWords {
  /** Values by definition name; of a boolean none. */
  given: ReadonlyMap<string, readonly string[]>;
  /** The flag that ends the words and still wants its value. */
  pending: [string, ArgDefinition] | undefined;
  /** How many arguments without a flag there are. */
  positionals: number;
  /** `--` was there. */
  dashes: boolean;
}

/** Reads `words`; flags that `args` do not have count as booleans. */
export function readWords(words: readonly string[], args: ArgDefinitions): ReadWords {
  const given = new Map<string, string[]>();
  const names = Object.entries(args).filter(([, { type }]) => type === "positional");
  let pending: ReadWords["pending"];
  let positionals = 0;
  let dashes = false;
  const keep = (name: string, value?: string) =>
    given.set(name, [...(given.get(name) ?? []), ...(value === undefined ? [] : [value])]);
  for (const word of words) {
    if (pending !== undefined) {
      keep(pending[0], word);
      pending = undefined;
    } else if (dashes || !word.startsWith("-") || word === "-") {
      const [name] = names[Math.min(positionals++, names.length - 1)] ?? [];
      if (name !== undefined) keep(name, word);
    } else if (word === "--") {
      dashes = true;
    } else {
      const [typed = "", ...value] = word.split("=");
      const flag = flagOf(typed, args);
      if (flag === undefined) continue;
      if (flag[1].type === "boolean") keep(flag[0]);
      else if (value.length > 0) keep(flag[0], value.join("="));
      else pending = flag;
    }
  }
  return { given, pending, positionals, dashes };
}

function flagOf(typed: string, args: ArgDefinitions): [string, ArgDefinition] | undefined {
  const name = typed.startsWith("--") ? typed.slice(2).replaceAll("_", "-") : typed.slice(1);
  return Object.entries(args).find(([key, definition]) => {
    if (definition.type === "positional") return false;
    if (!typed.startsWith("--")) return definition.alias === name && name.length === 1;
    return key === name || definition.alias === name || (definition.type === "boolean" && `no-${key}` === name);
  });
}
