/** What a local wrap is told, and the files that it needs, read and made ready for use. Opens no connection. */
import type { Logger } from "../command/log.ts";
import type { AccessRules } from "../identity/access.ts";
import type { IdentitySources } from "../identity/flags.ts";
import type { Identity } from "../identity/identity.ts";
import { openIdentity } from "../identity/open-identity.ts";
import type { SourceFiles } from "../identity/source-files.ts";
import { readTrust, type Trust } from "../identity/trust.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { KeepAlive } from "../net/keep-alive.ts";
import type { RelayLimits } from "../net/relay.ts";
import type { StartTlsProtocol } from "../net/starttls.ts";
import type { TargetEndpoint } from "../net/target.ts";
import type { OutboundProxy } from "../net/through-proxy.ts";
import { createContext, type TlsContext } from "../net/tls-context.ts";
import type { TlsTerms } from "../net/tls-flags.ts";

export interface WrapSettings {
  /** Nowhere, where there is one connection only. */
  listen: readonly Endpoint[];
  target: TargetEndpoint;
  /** The name to ask for and to demand; undefined is the target's host. */
  serverName: string | undefined;
  /** In the order of preference. */
  protocolIds: readonly string[];
  /** Whether the server must agree to one of them. */
  confirmed: boolean;
  starttls: StartTlsProtocol | undefined;
  /** What the server's certificate must say as well; undefined where nothing is asked. */
  rules: AccessRules | undefined;
  cnAsName: boolean;
  proxy: OutboundProxy | undefined;
  sources: IdentitySources;
  /** Authorities of an `https://` proxy; none are the system's. */
  proxyCa: readonly string[];
  tls: TlsTerms;
  /** Connections at a time. */
  most: number;
  /** Milliseconds. */
  connectTimeout: number;
  dnsTimeout: number;
  resolvers: readonly string[];
  keepAlive: KeepAlive;
  relayLimits: RelayLimits;
}

/** What was read, as a whole: swapped at a reload. */
export interface WrapFiles {
  /** Of identity and trust. */
  context: TlsContext;
  identity: Identity | undefined;
  /** Undefined where pins take its place. */
  trust: Trust | undefined;
  /** For an `https://` proxy. */
  proxyContext: TlsContext | undefined;
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export async function readWrapFiles(settings: WrapSettings, files: SourceFiles, log: Logger): Promise<WrapFiles> {
  const { sources, rules, proxy, proxyCa, tls } = settings;
  const identity = sources.identity && (await openIdentity(sources.identity, files));
  const trust = rules?.pinned === true ? undefined : readTrust(sources.trust, files);
  for (const warning of [...(identity?.warnings ?? []), ...(trust?.warnings ?? [])]) log.warn(warning);
  return {
    context: createContext({ material: identity?.credential, ca: trust?.ca, crl: trust?.crl, ...tls }),
    identity,
    trust,
    proxyContext: proxy?.tls
      ? createContext({ ca: readTrust({ cacert: proxyCa, crl: [] }, files).ca, ...tls })
      : undefined,
  };
}
