/** Why a handshake of the system's OpenSSL failed, in the words of tls-failure.ts. Makes no connection. */
import { tlsFailure, TlsFailure } from "./tls-failure.ts";

/** X509_V_ERR_* by number, as the runtime names them. */
const VERIFY: Readonly<Record<number, string>> = {
  2: "UNABLE_TO_GET_ISSUER_CERT",
  3: "UNABLE_TO_GET_CRL",
  7: "CERT_SIGNATURE_FAILURE",
  8: "CRL_SIGNATURE_FAILURE",
  9: "CERT_NOT_YET_VALID",
  10: "CERT_HAS_EXPIRED",
  11: "CRL_NOT_YET_VALID",
  12: "CRL_HAS_EXPIRED",
  18: "DEPTH_ZERO_SELF_SIGNED_CERT",
  19: "SELF_SIGNED_CERT_IN_CHAIN",
  20: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  21: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  23: "CERT_REVOKED",
  26: "INVALID_PURPOSE",
  27: "CERT_UNTRUSTED",
  33: "UNABLE_TO_GET_CRL_ISSUER",
  // Of an issuer that is no authority; the runtime says it so.
  79: "INVALID_PURPOSE",
};

/** What the runtime's library says in other words. */
const WORDS: Readonly<Record<string, string>> = { UNKNOWN_PROTOCOL: "WRONG_VERSION_NUMBER" };

/** ContentType of records (RFC 8446 section 5.1): change_cipher_spec, alert, handshake, application_data. */
const RECORDS = [0x14, 0x15, 0x16, 0x17];
const ALERT = 0x15;

interface Failed {
  /** The library's word for it. */
  readonly reason: string;
  /** SSL_get_verify_result. */
  readonly verify: number;
}

/** The verdict on the peer's certificate comes first: what the library says then is only that there was one. */
export function opensslFailure({ reason, verify }: Failed, firstByte?: number): TlsFailure {
  if (verify !== 0 && reason.includes("certificate verify failed")) {
    const code = VERIFY[verify] ?? `X509_V_ERR_${verify}`;
    return tlsFailure(Object.assign(new Error(code.toLowerCase().replaceAll("_", " ")), { code }));
  }
  // The library tells neither as the runtime's does.
  if (firstByte !== undefined && !RECORDS.includes(firstByte))
    return new TlsFailure("not_tls", "the peer does not speak TLS");
  if (firstByte === ALERT && reason === "unexpected message")
    return new TlsFailure("tls_alert", "the peer began with an alert");
  if (reason === "")
    return tlsFailure(Object.assign(new Error("the peer broke off the handshake"), { code: "ECONNRESET" }));
  const word = reason.toUpperCase().replaceAll(" ", "_");
  return tlsFailure(Object.assign(new Error(`SSL routines:${WORDS[word] ?? word}`), { code: "EPROTO" }));
}
