/** Reads all files that routes name, to see whether they can be served. Connects to nothing, and keeps nothing. */
import type { ParsedArgs } from "../../lib/command/define.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseIdentityFlags } from "../../lib/identity/flags.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { Dialer } from "../../lib/net/dial.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";
import { ResolveError } from "../../lib/net/resolve.ts";
import type { serveArgs } from "./flags.ts";
import { loadPlaces } from "./load.ts";
import { MuxMetrics } from "./metrics.ts";
import { parseMux, type Place } from "./settings.ts";

/** Throws `PortailError` as a start of `portail mux serve` would. */
export async function readPlaces(
  places: readonly Place[],
  args: ParsedArgs<typeof serveArgs>,
  runtime: Runtime,
): Promise<void> {
  const { tls, status } = parseMux(args);
  const files = new SourceFiles(runtime);
  const keepAlive = new KeepAlive(0);
  await loadPlaces(places, {
    files,
    metrics: new MuxMetrics(),
    targetTools: { dialer: new Dialer(0, keepAlive), resolve: nowhere },
    tls,
    log: runtime.log,
  });
  const { identity } = parseIdentityFlags(args);
  if (status !== undefined && identity !== undefined) await openIdentity(identity, files);
}

function nowhere(): Promise<string[]> {
  return Promise.reject(new ResolveError("failed", "nothing is resolved here"));
}
