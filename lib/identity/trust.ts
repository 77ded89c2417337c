/** Whom we believe: certificates of authorities and their revocation lists, from files or the system. Verifies no peer. */
import { X509Certificate } from "node:crypto";
import { decodeCrl, type Crl } from "../wire/crl.ts";
import { encodePem } from "../wire/pem.ts";
import { decodeCertificate } from "../wire/x509.ts";
import { NamedFile, sortMaterial } from "./material.ts";
import type { SourceFiles } from "./source-files.ts";
import { readSystemStore } from "./system-store.ts";

export interface Trust {
  /** PEM, one certificate each, none twice. */
  readonly ca: readonly string[];
  /** PEM, one list each: of several in one text the runtime would take the first only. */
  readonly crl: readonly string[];
  /**
   * Until when there is a current list of an authority, in milliseconds since 1970; for ever where it has none. By its
   * name (RFC 4514). The runtime asks in a handshake; whoever resumes a session has had his long ago.
   */
  readonly listedUntil: (issuer: string) => number;
  /** What the operator should know although it is no error; each a sentence without a final period. */
  readonly warnings: readonly string[];
}

export interface TrustSource {
  /** None means the system's store. */
  readonly cacert: readonly string[];
  readonly crl: readonly string[];
}

interface FoundCrl extends Crl {
  readonly der: Uint8Array;
  /** Its name, quoted. */
  readonly file: string;
}

/**
 * Reads all files anew; a file has any number of certificates or lists, in PEM or DER. As soon as there is one list, the
 * runtime asks for a current one of every authority in a peer's chain, so that what lacks one is refused; `warnings`
 * names those. Throws `PortailError` (`identity.*`).
 */
export function readTrust({ cacert, crl }: TrustSource, files: SourceFiles, now = new Date()): Trust {
  const certs = cacert.length > 0 ? cacert.flatMap((name) => readBundle(name, files)) : readSystemStore(files);
  const lists = crl.flatMap((name) => readLists(name, files));
  const ca = new Set(certs.map(({ raw }) => encodePem("CERTIFICATE", raw)));
  const warnings = [...lists.flatMap((list) => warningsOf(list, now)), ...withoutList(certs, lists)];
  const until = new Map<string, number>();
  for (const { issuer, nextUpdate = Infinity } of lists) {
    const name = foldName(issuer.text);
    until.set(name, Math.max(nextUpdate, until.get(name) ?? nextUpdate));
  }
  const listedUntil = (issuer: string) => until.get(foldName(issuer)) ?? Infinity;
  return { ca: [...ca], crl: lists.map(({ der }) => encodePem("X509 CRL", der)), listedUntil, warnings };
}

function readBundle(name: string, files: SourceFiles): X509Certificate[] {
  const file = new NamedFile(name, "cacert");
  const { certs, keys, crls, pkcs12 } = sortMaterial(files.read(name, "cacert"), name, "cacert");
  if (pkcs12) {
    const hint = `take the certificates out with: openssl pkcs12 -nokeys -in ${file.quoted} -out FILE`;
    throw file.refuse("keystore_as_trust", "is a PKCS#12 file, which is not taken here", hint);
  }
  if (certs.length === 0 && keys.length > 0) {
    throw file.refuse("key_as_trust", "is a private key", "--cacert is the certificate of the authority");
  }
  if (certs.length === 0 && crls.length > 0) {
    throw file.refuse("crl_as_trust", "is a revocation list", "give it as --crl");
  }
  if (certs.length === 0) throw file.refuse("no_trust", "holds no certificate");
  return certs.map((der, i) => {
    try {
      return new X509Certificate(der);
    } catch {
      throw file.refuse("bad_certificate", `holds a damaged certificate (number ${i + 1})`);
    }
  });
}

function readLists(name: string, files: SourceFiles): FoundCrl[] {
  const file = new NamedFile(name, "crl");
  const { crls, certs } = sortMaterial(files.read(name, "crl"), name, "crl");
  if (crls.length === 0) {
    const hint = certs.length > 0 ? "it holds certificates: give it as --cacert" : undefined;
    throw file.refuse("no_crl", "holds no revocation list", hint);
  }
  return crls.map((der, i) => {
    const decoded = decodeCrl(der);
    if (decoded.kind === "bad") throw file.refuse("bad_crl", `holds a damaged revocation list (number ${i + 1})`);
    return { ...decoded.value, der, file: file.quoted };
  });
}

function warningsOf({ issuer, thisUpdate, nextUpdate, file }: FoundCrl, now: Date): string[] {
  const name = `the revocation list of ${JSON.stringify(issuer.text)} in ${file}`;
  const effect = "all peers below that authority are refused until it is replaced";
  if (thisUpdate > now.getTime()) return [`${name} does not hold before ${iso(thisUpdate)}: ${effect}`];
  if (nextUpdate === undefined || nextUpdate > now.getTime()) return [];
  return [`${name} expired at ${iso(nextUpdate)}: ${effect}`];
}

/** One warning for all: the system's store has many. */
function withoutList(certs: readonly X509Certificate[], lists: readonly Crl[]): string[] {
  if (lists.length === 0) return [];
  const known = new Set(lists.map(({ issuer }) => foldName(issuer.text)));
  const lacking = certs.flatMap(({ ca, raw }) => {
    const decoded = decodeCertificate(raw);
    if (!ca || decoded.kind === "bad") return [];
    const { text } = decoded.value.subject;
    return known.has(foldName(text)) ? [] : [text];
  });
  const [first] = lacking;
  if (first === undefined) return [];
  const more = lacking.length > 1 ? ` and ${lacking.length - 1} more` : "";
  return [
    `there is no revocation list of the authority ${JSON.stringify(first)}${more}: ` +
      "with --crl, each authority in a peer's chain needs one, or the peer is refused",
  ];
}

/** Names are compared without regard to case and to the number of spaces (RFC 5280 section 7.1). */
function foldName(text: string): string {
  return text.toLowerCase().replace(/ +/g, " ");
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
