/** What `s3crypt serve` reads from files: data keys, policy, certificates of both sides. As a whole, or not at all; puts nothing in force. */
import type { Policy } from "../../../lib/acl/policy.ts";
import type { Identity } from "../../../lib/identity/identity.ts";
import { openIdentity } from "../../../lib/identity/open-identity.ts";
import type { SourceFiles } from "../../../lib/identity/source-files.ts";
import { readTrust, type Trust } from "../../../lib/identity/trust.ts";
import { createContext, type TlsContext } from "../../../lib/net/tls-context.ts";
import { readPolicy } from "../../../lib/service/policy-file.ts";
import type { DataKeys } from "../keyring.ts";
import { readS3Secret } from "./s3-settings.ts";
import type { Settings } from "./settings.ts";

/** Swapped at a reload. */
export interface Loaded {
  readonly keys: DataKeys;
  /** Undefined where nothing decides beside the storage. */
  readonly policy: Policy | undefined;
  /** Undefined where clients come in the clear. */
  readonly front: LoadedFront | undefined;
  /** Undefined where the storage is spoken to in the clear. */
  readonly upstream: LoadedUpstream | undefined;
  /** Undefined in plain mode. */
  readonly s3Secret: string | undefined;
  readonly warnings: readonly string[];
}

export interface LoadedFront {
  readonly context: TlsContext;
  readonly identity: Identity;
  /** Of clients; undefined where none is asked for a certificate. */
  readonly trust: Trust | undefined;
}

export interface LoadedUpstream {
  readonly context: TlsContext;
  readonly identity: Identity | undefined;
  readonly trust: Trust;
  /** `--bypass-ssl-certificate-check`. */
  readonly unverified: boolean;
}

/** Opens the keyring anew. */
type OpenKeys = () => Promise<DataKeys>;

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export async function load(settings: Settings, files: SourceFiles, openKeys: OpenKeys): Promise<Loaded> {
  const keys = await openKeys();
  const read = settings.acl === undefined ? undefined : readPolicy(settings.acl);
  const front = await loadFront(settings, files);
  const upstream = await loadUpstream(settings, files);
  const warnings = [
    ...(read === undefined || read.warnings === "" ? [] : [read.warnings]),
    ...(front === undefined ? [] : [...front.identity.warnings, ...(front.trust?.warnings ?? [])]),
    ...(upstream?.warnings ?? []),
  ];
  const s3Secret = settings.s3 && readS3Secret(settings.s3, files);
  return { keys, policy: read?.policy, front, upstream: upstream?.loaded, s3Secret, warnings };
}

async function loadFront({ front }: Settings, files: SourceFiles): Promise<LoadedFront | undefined> {
  if (front === undefined) return undefined;
  const identity = await openIdentity(front.sources.identity!, files);
  const trust = front.clientCert === "off" ? undefined : readTrust(front.sources.trust, files);
  const context = createContext({
    material: identity.credential,
    ca: trust?.ca,
    crl: trust?.crl,
    // A session without a certificate is not to be taken up again by one that needs none.
    tickets: front.clientCert !== "optional",
  });
  return { context, identity, trust };
}

async function loadUpstream(
  { dialled, upstreamSources, unverified }: Settings,
  files: SourceFiles,
): Promise<{ loaded: LoadedUpstream; warnings: readonly string[] } | undefined> {
  if (!dialled.tls) return undefined;
  const identity = upstreamSources.identity && (await openIdentity(upstreamSources.identity, files));
  const trust = readTrust(upstreamSources.trust, files);
  const context = createContext({ material: identity?.credential, ca: trust.ca, crl: trust.crl });
  const warnings = [...(identity?.warnings ?? []), ...trust.warnings];
  return { loaded: { context, identity, trust, unverified }, warnings };
}
