/** What backends need from files: certificates, trust, credentials. Puts nothing in force. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust } from "../../lib/identity/trust.ts";
import type { BackendUrl } from "../../lib/net/backend-url.ts";
import { createContext, type TlsContext } from "../../lib/net/tls-context.ts";
import type { ProxyCredentials } from "../../lib/session/outbound-proxy.ts";
import type { BackendPlan, Backends } from "./exits.ts";

/** Of one backend. */
export interface LoadedBackend {
  /** Undefined where it is never spoken to over TLS. */
  context: TlsContext | undefined;
  /** With the credentials that were read. */
  url: BackendUrl | undefined;
  warnings: readonly string[];
}

/** Throws `PortailError` (`identity.*`, `backend.credentials`). */
export async function loadBackend(plan: BackendPlan, files: SourceFiles): Promise<LoadedBackend> {
  const url = plan.credentials === undefined ? plan.url : withCredentials(plan, files);
  // A dynamic one may be led to a place that speaks TLS later.
  const tls = plan.dynamic || (url?.kind === "proxy" && url.proxy.tls) || (url?.kind === "same" && url.http.tls);
  if (!tls) return { context: undefined, url, warnings: [] };
  const identity = plan.sources.identity && (await openIdentity(plan.sources.identity, files));
  const trust = readTrust(plan.sources.trust, files);
  const context = createContext({ material: identity?.credential, ca: trust.ca, crl: trust.crl });
  return { context, url, warnings: [...(identity?.warnings ?? []), ...trust.warnings] };
}

function withCredentials({ name, url, credentials }: BackendPlan, files: SourceFiles): BackendUrl {
  const [, user, password] = /^([^:]+):(.*)$/s.exec(credentials!.read(files)) ?? [];
  if (user === undefined || password === undefined)
    throw new PortailError(`[backend.${name}]: the auth-file does not hold USER:PASSWORD`, {
      code: "backend.credentials",
      exit: EXIT.badData,
      hint: "write one line, the user, a colon and the password",
    });
  const read: ProxyCredentials = { user, password };
  const plain = url as Extract<BackendUrl, { kind: "proxy" }>;
  return { ...plain, proxy: plain.proxy.withCredentials(read) };
}

/** Puts what was read in force. A dynamic backend stays where it was led meanwhile. */
export function applyBackends({ all }: Backends, loaded: ReadonlyMap<string, LoadedBackend>): void {
  for (const [name, { context, url }] of loaded) {
    const backend = all.get(name)!;
    backend.context = context;
    if (!backend.dynamic) backend.lead(url);
  }
}
