/** What a tunnel reads from files: identity, trust, revocation lists, policy; made ready for use. Puts nothing in force. */
import type { Policy } from "../../lib/acl/policy.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { IdentitySources } from "../../lib/identity/flags.ts";
import type { Identity } from "../../lib/identity/identity.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust, type Trust } from "../../lib/identity/trust.ts";
import { createContext, type TlsContext } from "../../lib/net/tls-context.ts";
import type { TlsTerms, TlsVersion } from "../../lib/net/tls-flags.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import type { TunnelSettings } from "./settings.ts";

export interface TlsSettings extends TlsTerms {
  maxVersion: TlsVersion;
  ciphers: string;
  /** Whether sessions may be resumed. */
  tickets: boolean;
}

/** A tunnel, and the files that it reads. */
export interface TunnelPlan {
  settings: TunnelSettings;
  from: TunnelFiles;
}

/** Where a tunnel's files are. */
export interface TunnelFiles {
  sources: IdentitySources;
  /** Authorities of an `https://` proxy; none are the system's. */
  proxyCa: readonly string[];
  tls: TlsSettings;
}

/** What was read, as a whole: swapped at a reload. */
export interface Loaded {
  /** Of identity and trust. */
  context: TlsContext;
  /** Undefined where we present no certificate. */
  identity: Identity | undefined;
  /** Of the peers; undefined where none is asked. */
  trust: Trust | undefined;
  policy: Policy | undefined;
  /** For an `https://` proxy. */
  proxyContext: TlsContext | undefined;
  /** For an `https://` URL of `--target-status`: the system's authorities. */
  statusContext: TlsContext | undefined;
}

/** `files` are those of the process: what a pipe says once is for all. Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export async function loadTunnel({ settings, from }: TunnelPlan, files: SourceFiles, log: Logger): Promise<Loaded> {
  const { sources, tls, proxyCa } = from;
  const presents = settings.side === "server" || settings.authenticate;
  const verifies = settings.side === "client" || settings.authenticate;
  const identity = presents && sources.identity ? await openIdentity(sources.identity, files) : undefined;
  const trust = verifies && settings.rules?.pinned !== true ? readTrust(sources.trust, files) : undefined;
  const context = createContext({ material: identity?.credential, ca: trust?.ca, crl: trust?.crl, ...tls });
  const proxyContext = settings.proxy?.tls
    ? createContext({ ca: readTrust({ cacert: proxyCa, crl: [] }, files).ca, ...tls })
    : undefined;
  const statusContext =
    settings.targetStatus?.protocol === "https:"
      ? createContext({ ca: readTrust({ cacert: [], crl: [] }, files).ca, ...tls })
      : undefined;
  for (const warning of [...(identity?.warnings ?? []), ...(trust?.warnings ?? [])]) log.warn(warning);
  return { context, identity, trust, policy: loadPolicy(settings, log), proxyContext, statusContext };
}

function loadPolicy({ acl }: TunnelSettings, log: Logger): Policy | undefined {
  if (acl === undefined) return undefined;
  const { policy, warnings } = readPolicy(acl);
  if (warnings !== "") log.warn(warnings);
  return policy;
}
