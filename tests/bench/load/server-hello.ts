/** What a TLS 1.3 server's first, still readable bytes say of the handshake (RFC 8446 sections 4.1.3, 4.2 and 5.1). It decrypts nothing. */

export interface Agreement {
  /** Code point of RFC 8446 appendix B.4. */
  suite: number;
  /** Code point of the IANA registry of named groups; undefined when no key was shared. */
  group: number | undefined;
  /** The server accepted a pre-shared key: the session of an earlier connection. */
  resumed: boolean;
  /** The server asked for another hello first, which costs a round trip. */
  retried: boolean;
}

export type Reading = { kind: "more" } | { kind: "agreement"; agreement: Agreement } | { kind: "other" };

/** Record types of RFC 8446 section 5.1. */
const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
/** Extension types of RFC 8446 section 4.2. */
const PRE_SHARED_KEY = 41;
const SUPPORTED_VERSIONS = 43;
const KEY_SHARE = 51;
const TLS13 = 0x0304;
/** The `random` that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3). */
const RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

/** Reads all that the server sent so far. `other` is what is not TLS 1.3, or a hello split over records, which no peer sends. */
export function readServerHello(bytes: Buffer): Reading {
  let retried = false;
  for (let at = 0; ;) {
    if (bytes.length < at + 5) return { kind: "more" };
    const type = bytes[at]!;
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    if (type !== HANDSHAKE && type !== CHANGE_CIPHER_SPEC) return { kind: "other" };
    if (bytes.length < end) return { kind: "more" };
    if (type === HANDSHAKE) {
      const hello = decodeHello(bytes.subarray(at + 5, end));
      if (hello === undefined) return { kind: "other" };
      if (!hello.retry) return { kind: "agreement", agreement: { ...hello.agreement, retried } };
      retried = true;
    }
    at = end;
  }
}

/** One ServerHello with its handshake header; undefined when it is none, or not of TLS 1.3. */
function decodeHello(message: Buffer): { retry: boolean; agreement: Agreement } | undefined {
  if (message.length < 39 || message[0] !== SERVER_HELLO || message.length < 4 + message.readUIntBE(1, 3))
    return undefined;
  const retry = message.toString("hex", 6, 38) === RETRY;
  let at = 39 + message[38]!;
  if (message.length < at + 5) return undefined;
  const agreement: Agreement = { suite: message.readUInt16BE(at), group: undefined, resumed: false, retried: false };
  const end = at + 5 + message.readUInt16BE(at + 3);
  if (message.length < end) return undefined;
  let version = 0;
  for (at += 5; at + 4 <= end;) {
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    const body = message.subarray(at + 4, Math.min(end, at + 4 + length));
    if (body.length < length) return undefined;
    if (type === SUPPORTED_VERSIONS && length === 2) version = body.readUInt16BE(0);
    else if (type === KEY_SHARE && length >= 2) agreement.group = body.readUInt16BE(0);
    else if (type === PRE_SHARED_KEY) agreement.resumed = true;
    at += 4 + length;
  }
  return version === TLS13 ? { retry, agreement } : undefined;
}

const SUITES: Record<number, string> = { 0x1301: "AES-128-GCM", 0x1302: "AES-256-GCM", 0x1303: "ChaCha20-Poly1305" };
const GROUPS: Record<number, string> = { 23: "P-256", 24: "P-384", 29: "X25519", 4588: "X25519MLKEM768" };

/** `AES-128-GCM, X25519`; numbers where a name is not known. */
export function agreementText({ suite, group, retried }: Agreement): string {
  const key = group === undefined ? "no key share" : (GROUPS[group] ?? `group ${group}`);
  return [SUITES[suite] ?? `suite 0x${suite.toString(16)}`, key, ...(retried ? ["after a retry"] : [])].join(", ");
}
