/** Keys of tables whose places are checked: how often, and how many checks in a row count. Read with `lib/net/check-rules.ts`. */
import type { ArgDefinitions } from "./define.ts";

export const healthKeys = {
  "health-interval": { type: "string", valueHint: "TIME", description: "How often it is checked (10s)" },
  "health-fall": { type: "string", valueHint: "N", description: "Failed checks in a row that take it down (3)" },
  "health-rise": {
    type: "string",
    valueHint: "N",
    description: "Checks in a row that must succeed for it to be up again (2)",
  },
} as const satisfies ArgDefinitions;
