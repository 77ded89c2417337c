/** What a record says of a certificate and of the TLS that it came over. */
import type { Peer } from "../identity/peer.ts";
import type { TlsInfo } from "../net/conn.ts";
import type { CertificateRecord, TlsRecord } from "./event.ts";

export function certificateRecord({ subject, issuer, serial, pin, notAfter }: Peer): CertificateRecord {
  return { subject, issuer, serial, pin, notAfter: new Date(notAfter).toISOString() };
}

export function tlsRecord({ version, protocolId, serverName, resumed }: TlsInfo): TlsRecord {
  return {
    version,
    ...(protocolId === undefined ? {} : { protocolId }),
    ...(serverName === undefined ? {} : { serverName }),
    resumed,
  };
}
