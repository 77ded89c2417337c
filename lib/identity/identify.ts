/** Who the other side of a TLS connection is: its certificate, if it can be read and is valid now. Verifies no chain and knows no rules. */
import type { TlsInfo } from "../net/conn.ts";
import { decodePeer, type Peer } from "./peer.ts";
import type { Trust } from "./trust.ts";

type Identified =
  /** `peer` is absent where it gave no certificate. */
  | { ok: true; peer: Peer | undefined }
  | {
      ok: false;
      reason: "bad_certificate" | "expired" | "not_yet_valid" | "no_crl";
      message: string;
      /** Absent where the certificate cannot be read. */
      peer?: Peer;
    };

/**
 * Looks at the certificate at `now` (milliseconds since 1970): a session may be resumed past the end of the certificate
 * with which it began, and of the revocation list. Under a pin nobody asks (`now` undefined).
 */
export function identify(
  tls: TlsInfo | undefined,
  now: number | undefined,
  trust?: Pick<Trust, "listedUntil">,
): Identified {
  if (tls?.certificate === undefined) return { ok: true, peer: undefined };
  const decoded = decodePeer(tls.certificate);
  if (decoded.kind === "bad") return { ok: false, reason: "bad_certificate", message: decoded.reason };
  const peer = decoded.value;
  if (now === undefined) return { ok: true, peer };
  if (now > peer.notAfter) return { ok: false, reason: "expired", message: "the certificate has expired", peer };
  if (now < peer.notBefore)
    return { ok: false, reason: "not_yet_valid", message: "the certificate is not valid yet", peer };
  if (tls.resumed && trust !== undefined && now > trust.listedUntil(peer.issuer))
    return { ok: false, reason: "no_crl", message: "the revocation list has expired", peer };
  return { ok: true, peer };
}
