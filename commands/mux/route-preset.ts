/** `--preset` and `[preset.NAME]`: a shipped set of routes, for which an operator names the targets alone. Opens nothing. */
import { completeArgs, usage, type ArgValue } from "../../lib/command/argv.ts";
import type { TableRow } from "../../lib/command/config-tables.ts";
import type { Config } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { muxRouteKeys } from "../../lib/command/mux-keys.ts";
import { nearest } from "../../lib/command/nearest.ts";
import { presetTargets } from "../../lib/command/preset-keys.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { TELEPORT_EXAMPLE, teleportMistake, teleportRoutes, type PresetRoute, type PresetValues } from "./teleport.ts";

interface PresetFlags {
  preset?: string | undefined;
  "preset-target"?: readonly string[];
}

/** Whether the preset is to be shown as it is shipped, where no target is named. */
type Use = "serve" | "show";

/** The same configuration with the routes of its preset behind its own. Throws `PortailError` (64, 78). */
export function withPreset(given: PresetFlags, config: Config, use: Use): Config {
  const routes = presetRoutes(given, config, use);
  if (routes.length === 0) return config;
  const rows = routes.map(({ keys }) => rowOf(keys));
  return { ...config, tables: { ...config.tables, route: [...config.tables.route, ...rows] } };
}

/** The routes of the preset; none without one. Throws as `withPreset`. */
export function presetRoutes(given: PresetFlags, { tables }: Config, use: Use): PresetRoute[] {
  const { preset: name, "preset-target": targets = [] } = given;
  const [stranger] = [...tables.preset.keys()].filter((one) => one !== "teleport");
  if (stranger !== undefined)
    throw invalid(`[preset.${stranger}]: there is no such preset`, "there is [preset.teleport]");
  if (name !== undefined) parseChoice("--preset", name, ["teleport"]);
  const table = tables.preset.get("teleport");
  if (name === undefined && table === undefined) {
    if (targets.length === 0) return [];
    throw usage("usage.missing", "--preset-target needs --preset", "write --preset teleport");
  }
  const values = valuesOf(table, targets);
  if (use === "show" && !Object.keys(presetTargets).some((key) => values[key] !== undefined))
    return teleportRoutes({ ...TELEPORT_EXAMPLE, ...values });
  const mistake = teleportMistake(values);
  if (mistake !== undefined) throw invalid(`[preset.teleport]: ${mistake.message}`, mistake.hint);
  return teleportRoutes(values);
}

/** Flags win over the table. */
function valuesOf(table: TableRow<"preset"> | undefined, targets: readonly string[]): PresetValues {
  const values: Record<string, string | boolean | readonly string[] | undefined> = {};
  for (const [key, value] of Object.entries(table ?? {}))
    if (!Array.isArray(value) || value.length > 0) values[key] = value as string;
  values["version"] = parseChoice("version", String(values["version"] ?? "2"), ["1", "2"]);
  const flagged = new Map<string, string[]>();
  for (const text of targets) {
    const [, key = "", address = ""] = /^([a-z-]+)=(.+)$/s.exec(text) ?? [];
    if (!Object.hasOwn(presetTargets, key)) {
      const near = nearest(key, Object.keys(presetTargets));
      const hint = near === undefined ? "write NAME=ADDRESS, e.g. web=localhost:3080" : `did you mean "${near}"?`;
      throw usage("usage.value", `--preset-target: ${JSON.stringify(text)} names no target of the preset`, hint);
    }
    flagged.set(key, [...(flagged.get(key) ?? []), address]);
  }
  return { ...values, ...Object.fromEntries(flagged) };
}

/** As the configuration reads a table. */
function rowOf(keys: PresetRoute["keys"]): TableRow<"route"> {
  const values = Object.entries(keys).map(([key, value]): [string, ArgValue] => {
    const definition = muxRouteKeys[key as keyof typeof muxRouteKeys];
    const repeats = "multiple" in definition && typeof value === "string";
    return [key, (repeats ? [value] : value) as ArgValue];
  });
  return completeArgs(muxRouteKeys, new Map(values)) as unknown as TableRow<"route">;
}

function invalid(message: string, hint: string): PortailError {
  return new PortailError(message, { code: "mux.preset", exit: EXIT.config, hint });
}
