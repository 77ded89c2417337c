/** Context providers of `portail socks`: its configuration's `[provider.NAME]` tables, and nothing where there are none. */
import type { Config } from "../../lib/command/define.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseDuration } from "../../lib/command/values.ts";
import type { ContextPlan } from "../../lib/context/load.ts";

/** `timeout` is the value of --context-timeout. Throws `PortailError`. */
export async function planContext(config: Config, timeout: string, runtime: Runtime): Promise<ContextPlan | undefined> {
  const patience = parseDuration("--context-timeout", timeout, { min: 1 });
  if (config.tables.provider.size === 0) return undefined;
  // Loaded when it is wanted: most proxies do without.
  const [{ parseProviders }, { ContextPlan }] = await Promise.all([
    import("../../lib/context/plan.ts"),
    import("../../lib/context/load.ts"),
  ]);
  return new ContextPlan(parseProviders(config, "socks", runtime.cwd), patience, runtime);
}
