/** What the access proxy needs for TLS with its clients, read from files. Puts nothing in force. */
import type { Identity } from "../../lib/identity/identity.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust, type Trust } from "../../lib/identity/trust.ts";
import { createContext, type TlsContext } from "../../lib/net/tls-context.ts";
import type { TlsSettings } from "./way-in.ts";

export interface LoadedTls {
  context: TlsContext;
  identity: Identity;
  /** Of the clients; undefined where none is asked for a certificate. */
  trust: Trust | undefined;
  warnings: readonly string[];
}

/** Throws `PortailError` (`identity.*`). */
export async function loadTls({ sources, clientCert, terms }: TlsSettings, files: SourceFiles): Promise<LoadedTls> {
  const identity = await openIdentity(sources.identity!, files);
  const trust = clientCert === "off" ? undefined : readTrust(sources.trust, files);
  const context = createContext({
    material: identity.credential,
    ca: trust?.ca,
    crl: trust?.crl,
    ...terms,
    // A session without a certificate, or with one that was refused, is not to be taken up again by one that needs none.
    tickets: clientCert !== "optional",
  });
  return { context, identity, trust, warnings: [...identity.warnings, ...(trust?.warnings ?? [])] };
}
