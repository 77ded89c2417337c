/** Opens what a process needs to carry captured connections, whatever captures them. Listens nowhere. */
import { openAudit } from "../../lib/audit/sink.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { Dialer } from "../../lib/net/dial.ts";
import { openResolver, ResolveError, type Resolve } from "../../lib/net/resolve.ts";
import type { Names } from "./known-names.ts";
import { load, type Loaded, type LoadTools, type RulePlan } from "./load.ts";
import { TproxyMetrics } from "./metrics.ts";
import type { FakeAddresses } from "./names/fake-addresses.ts";
import type { CarrySettings, NameSettings } from "./settings.ts";
import { Tproxy, type Captured } from "./tproxy.ts";

export interface CarryPlan {
  settings: CarrySettings;
  rules: readonly RulePlan[];
  names: NameSettings;
  captured: Captured;
  /** Of our own connections; undefined leaves them without. */
  mark: number | undefined;
  /** Of a stub resolver. */
  led?: FakeAddresses | undefined;
}

export interface Opened {
  tproxy: Tproxy;
  /** Reads all files anew. Throws `PortailError`; puts nothing in force. */
  load: () => Promise<Loaded>;
}

/** Throws `PortailError` for what cannot be read or opened. */
export async function openTproxy(runtime: Runtime, plan: CarryPlan): Promise<Opened> {
  const { log } = runtime;
  const { settings, rules, names, captured, mark, led } = plan;
  const { audit, connectTimeout, keepAlive, resolvers, dnsTimeout } = settings;
  const tools = loadTools(runtime, settings, led);
  const loading = () => load(rules, names, tools);
  const loaded = await loading();
  const sink = await openAudit(audit, log);
  const resolve = await openResolver(resolvers, dnsTimeout);
  const targetTools = {
    dialer: new Dialer(connectTimeout, keepAlive, mark),
    resolve: withoutFakes(resolve, () => tproxy.names),
  };
  const tproxy: Tproxy = new Tproxy(
    { settings, captured, log, sink, metrics: new TproxyMetrics(), targetTools },
    loaded,
  );
  return { tproxy, load: loading };
}

/** With what the files of rules are read. */
export function loadTools(runtime: Runtime, settings: CarrySettings, led: FakeAddresses | undefined): LoadTools {
  const { tls, proxyCa, verifierTimeout } = settings;
  const { log, cwd } = runtime;
  return { files: new SourceFiles(runtime), log, tls, proxyCa, cwd, verifierTimeout, led };
}

/** What stands for a name leads back to us. */
function withoutFakes(resolve: Resolve, names: () => Names): Resolve {
  return async (host) => {
    const found = await resolve(host);
    const known = names();
    const real = found.filter((ip) => !known.isFake(ip));
    if (real.length === 0) throw new ResolveError("not_found", "only addresses that stand for names were found");
    return real;
  };
}
