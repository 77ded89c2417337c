/** Certification requests and certificates, signed by whatever signs. Keeps nothing. */
import { usage } from "../command/argv.ts";
import { parseIp, type Ip } from "../wire/ip.ts";
import {
  certificateBody,
  encodeName,
  requestBody,
  signed,
  subjectAltName,
  type AltName,
  type CertificateFields,
  type SignatureAlgorithm,
} from "../wire/x509-write.ts";
import { schemesOf, SignerError, type Scheme, type Signer } from "./signer.ts";

/** DER of a request for a certificate of the signer's key. Throws `SignerError`. */
export async function createRequest(
  signer: Signer,
  subject: Uint8Array,
  names: readonly AltName[],
): Promise<Uint8Array> {
  const extensions = names.length === 0 ? [] : [subjectAltName(names, subject.length === 2)];
  return sign(signer, () => requestBody(subject, spkiOf(signer), extensions));
}

/** DER of a certificate that the signer issues. Throws `SignerError`. */
export async function issueCertificate(
  signer: Signer,
  fields: Omit<CertificateFields, "algorithm">,
): Promise<Uint8Array> {
  return sign(signer, (algorithm) => certificateBody({ ...fields, algorithm }));
}

export function spkiOf({ publicKey }: Signer): Uint8Array {
  return publicKey.export({ type: "spki", format: "der" });
}

async function sign(signer: Signer, body: (algorithm: SignatureAlgorithm) => Uint8Array): Promise<Uint8Array> {
  const [scheme] = schemesOf(signer.publicKey);
  if (scheme === undefined)
    throw new SignerError("signer.unsupported_key", "its key is of a kind that is not supported");
  const algorithm = algorithmOf(scheme);
  const bytes = body(algorithm);
  return signed(bytes, algorithm, await signer.sign(scheme, bytes));
}

function algorithmOf(scheme: Scheme): SignatureAlgorithm {
  if (scheme.kind === "ed25519") return "ed25519";
  return scheme.kind === "ecdsa" ? `ecdsa-${scheme.hash}` : "rsa-sha256";
}

/** `CN=alice,O=Example`. Throws `PortailError` (64). */
export function parseSubject(text: string): Uint8Array {
  const encoded = encodeName(text);
  if (encoded.kind === "ok") return encoded.value;
  throw usage("usage.value", `--subject ${encoded.reason}`, "write the name of RFC 4514, e.g. CN=alice,O=Example");
}

/** `DNS:a.example`, `IP:192.0.2.1`, `URI:spiffe://a/b`, `email:a@example`. Throws `PortailError` (64). */
export function parseAltName(text: string): AltName {
  const [, kind, value] = /^(DNS|IP|URI|email):(\S+)$/i.exec(text) ?? [];
  const ascii = value !== undefined && /^[\x21-\x7e]+$/.test(value);
  const ip = kind?.toUpperCase() === "IP" && value !== undefined ? parseIp(value) : undefined;
  if (ip !== undefined) return { kind: "ip", bytes: Uint8Array.from(bytesOfIp(ip)) };
  const name = kind?.toLowerCase();
  if (ascii && (name === "dns" || name === "uri" || name === "email")) return { kind: name, text: value };
  const hint = "write DNS:NAME, IP:ADDRESS, URI:URI or email:ADDRESS; names of other scripts in their ASCII form";
  throw usage("usage.value", `--san: ${JSON.stringify(text)} is no alternative name`, hint);
}

function bytesOfIp({ family, a, b, c, d }: Ip): number[] {
  const words = family === 4 ? [d] : [a, b, c, d];
  return words.flatMap((word) => [word >>> 24, (word >> 16) & 0xff, (word >> 8) & 0xff, word & 0xff]);
}
