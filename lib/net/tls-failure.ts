/** Why a TLS handshake failed, as one word that policies, logs and tests can count on. Makes no connection. */

type TlsFailureReason =
  | "handshake_timeout"
  | "handshake_closed"
  | "not_tls"
  | "tls_version"
  | "tls_protocol"
  | "tls_alert"
  | "no_application_protocol"
  | "unrecognized_name"
  | "tls_unavailable"
  | "no_certificate"
  | "unknown_ca"
  | "expired"
  | "not_yet_valid"
  | "revoked"
  | "wrong_purpose"
  | "no_crl"
  | "bad_certificate";

/** A handshake that did not succeed: a value, since it is the peer's doing. */
export class TlsFailure {
  readonly reason: TlsFailureReason;
  /** In the words of the library; may hold nothing that the peer chose. */
  readonly message: string;

  constructor(reason: TlsFailureReason, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

/** Codes of X509_verify_cert (X509_V_ERR_*, without their prefix) as the runtime gives them. */
const VERIFY: Record<string, TlsFailureReason | undefined> = {
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "not_yet_valid",
  CERT_REVOKED: "revoked",
  INVALID_PURPOSE: "wrong_purpose",
  UNABLE_TO_GET_CRL: "no_crl",
  UNABLE_TO_GET_CRL_ISSUER: "no_crl",
  CRL_HAS_EXPIRED: "no_crl",
  CRL_NOT_YET_VALID: "no_crl",
  CRL_SIGNATURE_FAILURE: "no_crl",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknown_ca",
  SELF_SIGNED_CERT_IN_CHAIN: "unknown_ca",
  UNABLE_TO_GET_ISSUER_CERT: "unknown_ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown_ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown_ca",
  CERT_UNTRUSTED: "unknown_ca",
  CERT_SIGNATURE_FAILURE: "unknown_ca",
};

/** Reasons of BoringSSL that stand at the end of its messages. */
const LIBRARY: [string, TlsFailureReason][] = [
  ["PEER_DID_NOT_RETURN_A_CERTIFICATE", "no_certificate"],
  ["CERTIFICATE_REQUIRED", "no_certificate"],
  ["UNSUPPORTED_PROTOCOL", "tls_version"],
  ["ALERT_PROTOCOL_VERSION", "tls_version"],
  ["HTTP_REQUEST", "not_tls"],
  ["HTTPS_PROXY_REQUEST", "not_tls"],
  ["WRONG_VERSION_NUMBER", "not_tls"],
  ["ALERT_NO_APPLICATION_PROTOCOL", "no_application_protocol"],
  ["ALERT_UNRECOGNIZED_NAME", "unrecognized_name"],
  ["UNKNOWN_CA", "tls_alert"],
  ["ALERT", "tls_alert"],
];

/** What `error` of a handshake means. */
export function tlsFailure(error: unknown): TlsFailure {
  const { code = "", message = "the handshake did not complete" } = (error ?? {}) as {
    code?: string;
    message?: string;
  };
  const verified = VERIFY[code];
  if (verified !== undefined) return new TlsFailure(verified, message);
  if (code === "ECONNRESET" || code === "EPIPE") return new TlsFailure("handshake_closed", message);
  if (code !== "EPROTO" && !message.includes("SSL routines"))
    return new TlsFailure("bad_certificate", `${code}: ${message}`);
  const found = LIBRARY.find(([word]) => message.includes(word));
  return new TlsFailure(found?.[1] ?? "tls_protocol", shortened(message));
}

/** `error:100000f0:SSL routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL` → `unsupported protocol`. */
function shortened(message: string): string {
  const last = message.slice(message.lastIndexOf(":") + 1).trim();
  return last === "" ? message : last.toLowerCase().replaceAll("_", " ");
}
