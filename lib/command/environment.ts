/** Values of flags out of environment variables, by the `env` of their definitions. The weakest layer: argv and the file win. */

import type { ArgValues } from "./argv.ts";
import type { ArgDefinitions } from "./define.ts";

/** Values by definition name. A variable that is empty counts as not set; one for a `multiple` flag is a single value. */
export function environmentArgs(
  definitions: ArgDefinitions,
  env: Readonly<Record<string, string | undefined>>,
): ArgValues {
  const given = Object.entries(definitions).flatMap(([name, definition]) => {
    if (definition.type !== "string" || definition.env === undefined) return [];
    const value = env[definition.env];
    return value ? [[name, definition.multiple ? [value] : value] as const] : [];
  });
  return new Map(given);
}
