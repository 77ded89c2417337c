/** Who a peer is: what its certificate says, once the handshake has verified it. Verifies nothing and decides nothing. */
import type { Facts } from "../acl/facts.ts";
import { formatIp } from "../wire/ip.ts";
import { COMMON_NAME, ORGANIZATIONAL_UNIT, valuesOf } from "../wire/x509-name.ts";
import { type Certificate, decodeCertificate } from "../wire/x509.ts";
import { isSpiffeId } from "./spiffe-id.ts";

export type PinAlgorithm = "sha256" | "sha384" | "sha512";

/** The side of a command that the peer is on, as the names of facts have it. */
type PeerSide = "client" | "upstream";

export class Peer {
  readonly certificate: Certificate;
  /** The most specific common name: the last of the subject. */
  readonly cn: string | undefined;
  readonly ou: readonly string[];
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  /** Canonical text. */
  readonly ip: readonly string[];
  readonly email: readonly string[];
  readonly spiffe: string | undefined;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly issuer: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly #pins: Partial<Record<PinAlgorithm, string>> = {};

  constructor(certificate: Certificate) {
    const { altNames, subject, issuer } = certificate;
    this.certificate = certificate;
    this.cn = valuesOf(subject, COMMON_NAME).at(-1);
    this.ou = valuesOf(subject, ORGANIZATIONAL_UNIT);
    this.dns = altNames?.dns ?? [];
    this.uri = altNames?.uri ?? [];
    this.ip = altNames?.ip.map(formatIp) ?? [];
    this.email = altNames?.email ?? [];
    this.spiffe = spiffeOf(certificate);
    this.subject = subject.text;
    this.issuer = issuer.text;
    this.serial = certificate.serial;
    this.notBefore = certificate.notBefore;
    this.notAfter = certificate.notAfter;
  }

  get der(): Uint8Array {
    return this.certificate.der;
  }

  /** Whether the certificate has alternative names at all, of whatever kind. */
  get hasAltNames(): boolean {
    return this.certificate.altNames !== undefined;
  }

  /** SHA-256 of the public key (SubjectPublicKeyInfo), base64. */
  get pin(): string {
    return this.pinBy("sha256");
  }

  /** The same by another algorithm. Computed once. */
  pinBy(algorithm: PinAlgorithm): string {
    return (this.#pins[algorithm] ??= new Bun.CryptoHasher(algorithm).update(this.certificate.spki).digest("base64"));
  }
}

/** X509-SVID sections 2 and 5.2: one URI name and no other, on a certificate that cannot sign certificates. */
function spiffeOf({ altNames, ca, keyUsage }: Certificate): string | undefined {
  const uri = altNames?.uri ?? [];
  const signs = ca || keyUsage?.includes("keyCertSign") || keyUsage?.includes("cRLSign");
  return !signs && uri.length === 1 && isSpiffeId(uri[0]!) ? uri[0] : undefined;
}

/** What policies may ask about the peer: the facts of its certificate, the same frozen record each time. */
export function peerFacts(peer: Peer, side: PeerSide): Facts {
  const told = FACTS_TOLD[side];
  const facts = told.get(peer) ?? Object.freeze(factsOf(peer, side));
  told.set(peer, facts);
  return facts;
}

const FACTS_TOLD: Record<PeerSide, WeakMap<Peer, Facts>> = { client: new WeakMap(), upstream: new WeakMap() };

function factsOf(peer: Peer, side: PeerSide): Facts {
  const facts = {
    cn: peer.cn,
    ou: peer.ou,
    dns: peer.dns,
    uri: peer.uri,
    ip_names: peer.ip,
    email: peer.email,
    spiffe: peer.spiffe,
    issuer: peer.issuer,
    serial: peer.serial,
    pin: peer.pin,
    not_before: peer.notBefore,
    not_after: peer.notAfter,
  };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${side}.${name}`, value])) as Facts;
}

/** Certificates that are remembered: a client that comes back is not read again. About 8 KB each, with their facts. */
const MOST_KNOWN = 1_024;
/** Bytes of the longest one, so that strangers cannot fill the memory with long ones. */
const LONGEST_KNOWN = 4_096;
/** By content, so that nothing has to be trusted about a key; the oldest use first. */
const known = new Map<string, Peer>();

/**
 * The peer of a certificate in DER, or half a sentence why it is none. Never throws. `der` is copied where it is kept.
 */
export function decodePeer(der: Uint8Array): { kind: "ok"; value: Peer } | { kind: "bad"; reason: string } {
  const key = Buffer.from(der.buffer, der.byteOffset, der.length).toString("latin1");
  const hit = known.get(key);
  if (hit !== undefined) {
    known.delete(key);
    known.set(key, hit);
    return { kind: "ok", value: hit };
  }
  const decoded = decodeCertificate(der.slice());
  if (decoded.kind === "bad") return decoded;
  const peer = new Peer(decoded.value);
  if (der.length > LONGEST_KNOWN) return { kind: "ok", value: peer };
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value!);
  known.set(key, peer);
  return { kind: "ok", value: peer };
}
