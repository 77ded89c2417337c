/** Who we are: a certificate chain and its private key, read from files in whatever form they have. Knows nobody else. */
import { X509Certificate, type KeyObject } from "node:crypto";
import { DerError } from "../wire/der.ts";
import { encodePem } from "../wire/pem.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import { NamedFile, sortMaterial, type Material } from "./material.ts";
import { PbeError } from "./pbe.ts";
import { openPkcs12 } from "./pkcs12.ts";
import { openPrivateKey, passwordError, unsupported, type AskPassword } from "./private-key.ts";
import type { Secret } from "./secret.ts";
import type { Signer } from "./signer.ts";
import type { SourceFiles } from "./source-files.ts";
import type { TokenSource } from "./token/source.ts";

/**
 * What signs for us; `cert` is the chain, leaf first, in PEM. A PKCS#12 file becomes PEM too: given to the runtime as it
 * is, the authorities in it would be trusted beside the trust bundle.
 */
type Credential = PemCredential | { readonly kind: "signer"; readonly cert: string; readonly signer: Signer };

interface PemCredential {
  readonly kind: "pem";
  readonly cert: string;
  /** PKCS#8, decrypted. */
  readonly key: string;
}

export interface Identity {
  readonly credential: Credential;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** What the operator should know although it is no error; each a sentence without a final period. */
  readonly warnings: readonly string[];
}

/** One whose key was read. */
export interface FileIdentity extends Identity {
  readonly credential: PemCredential;
}

/** Where an identity in files is: two of them, or one that has both. The password is for whatever in them is encrypted. */
type FileSource = { readonly password?: Secret | undefined } & (
  | { readonly kind: "pair"; readonly cert: string; readonly key: string }
  | { readonly kind: "keystore"; readonly keystore: string }
);

/** Where an identity is. */
export type IdentitySource = FileSource | TokenSource;

interface Parts {
  readonly certs: X509Certificate[];
  /** Parsed one after the other, until one fits. */
  readonly keys: (() => KeyObject)[];
}

/**
 * Reads the files anew. The chain begins with the certificate that has the key, whatever the order in the file, and its
 * issuers follow. Throws `PortailError` (`identity.*`) for everything that keeps it from being used, a key that belongs
 * to another certificate included: files that are just being replaced do not make a mixed identity.
 */
export function readIdentity(source: FileSource, files: SourceFiles, now = new Date()): FileIdentity {
  let password: { read: string | undefined } | undefined;
  const ask = () => (password ??= { read: source.password?.read(files) }).read;
  const parts = source.kind === "pair" ? readPair(source, files, ask) : readKeystore(source.keystore, files, ask);
  const [key, leaf] = findPair(parts, source);
  const chain = chainFrom(leaf, parts.certs);
  const credential: PemCredential = {
    kind: "pem",
    cert: chain.map(({ raw }) => encodePem("CERTIFICATE", raw)).join(""),
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
  };
  return { credential, chain: chain.map(({ raw }) => raw), warnings: warningsOf(leaf, source, now) };
}

function readPair({ cert, key }: FileSource & { kind: "pair" }, files: SourceFiles, ask: AskPassword): Parts {
  const certFile = new NamedFile(cert, "cert");
  const certMaterial = sortMaterial(files.read(cert, "cert"), cert, "cert");
  const keyFile = new NamedFile(key, "key");
  const keyMaterial = sortMaterial(files.read(key, "key"), key, "key");
  if (certMaterial.certs.length === 0) {
    if (certMaterial.keys.length > 0) {
      throw certFile.refuse("key_as_certificate", "is a private key", "--cert is the certificate, --key its key");
    }
    throw certFile.refuse("no_certificate", "holds no certificate", keystoreHint(certMaterial));
  }
  if (keyMaterial.keys.length === 0) {
    if (keyMaterial.certs.length > 0) {
      throw keyFile.refuse("certificate_as_key", "is a certificate", "--cert is the certificate, --key its key");
    }
    throw keyFile.refuse("no_key", "holds no private key", keystoreHint(keyMaterial));
  }
  return {
    certs: parseCertificates(certMaterial.certs, certFile),
    keys: keyMaterial.keys.map((form) => () => openPrivateKey(form, keyFile, ask)),
  };
}

function keystoreHint({ pkcs12 }: Material): string | undefined {
  return pkcs12 && "it is a PKCS#12 file: give it as --keystore";
}

function readKeystore(keystore: string, files: SourceFiles, ask: AskPassword): Parts {
  const file = new NamedFile(keystore, "keystore");
  const material = sortMaterial(files.read(keystore, "keystore"), keystore, "keystore");
  const { certs, keys } = material.pkcs12 ? openKeystore(material.pkcs12, file, ask) : material;
  if (certs.length === 0 && keys.length > 0) {
    throw file.refuse("no_certificate", "holds a private key and no certificate", "give two files as --cert and --key");
  }
  if (certs.length === 0) throw file.refuse("no_certificate", "holds no certificate");
  if (keys.length === 0) throw file.refuse("no_key", "holds no private key", "give two files as --cert and --key");
  return {
    certs: parseCertificates(certs, file),
    keys: keys.map((form) => () => openPrivateKey(form, file, ask)),
  };
}

function openKeystore(bytes: Uint8Array, file: NamedFile, ask: AskPassword): Pick<Material, "certs" | "keys"> {
  const password = ask();
  try {
    const { certs, keys } = openPkcs12(bytes, password ?? "");
    return { certs, keys: keys.map((der) => ({ kind: "pkcs8", der })) };
  } catch (error) {
    if (error instanceof DerError) throw file.refuse("damaged", "is a damaged PKCS#12 file");
    if (error instanceof PbeError && error.kind === "wrong") throw passwordError(file, password !== undefined);
    if (error instanceof PbeError) throw unsupported(file, error.message);
    throw error;
  }
}

/** Throws `PortailError` for one that is damaged. */
export function parseCertificates(certs: readonly Uint8Array[], file: NamedFile): X509Certificate[] {
  return certs.map((der, i) => {
    try {
      return new X509Certificate(der);
    } catch {
      throw file.refuse("bad_certificate", `holds a damaged certificate (number ${i + 1})`);
    }
  });
}

function findPair({ certs, keys }: Parts, source: FileSource): [KeyObject, X509Certificate] {
  for (const open of keys) {
    const key = open();
    const leaf = certs.find((cert) => cert.checkPrivateKey(key));
    if (leaf !== undefined) return [key, leaf];
  }
  const files = source.kind === "pair" ? [source.key, source.cert] : [source.keystore, source.keystore];
  const [key, cert] = files.map((name) => JSON.stringify(name));
  const [first] = certs;
  throw new PortailError(`the private key in ${key} is of no certificate in ${cert}, such as ${subjectOf(first!)}`, {
    code: "identity.mismatch",
    exit: EXIT.badData,
    hint: "they may be just being replaced, or be of different requests",
  });
}

/** The leaf, each issuer that is there behind what it issued, and then the rest, which other paths may need. */
export function chainFrom(leaf: X509Certificate, certs: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  const rest = certs.filter((cert, i) => {
    return !cert.raw.equals(leaf.raw) && certs.findIndex((other) => other.raw.equals(cert.raw)) === i;
  });
  for (;;) {
    const last = chain.at(-1)!;
    const next = rest.findIndex((cert) => last.checkIssued(cert));
    if (next === -1 || last.checkIssued(last)) return [...chain, ...rest];
    chain.push(...rest.splice(next, 1));
  }
}

function warningsOf(leaf: X509Certificate, source: FileSource, now: Date): string[] {
  const file = JSON.stringify(source.kind === "pair" ? source.cert : source.keystore);
  return validityWarnings(leaf, `the certificate ${subjectOf(leaf)} in ${file}`, now);
}

/** That a certificate, which is called `name`, is out of date. */
export function validityWarnings(leaf: X509Certificate, name: string, now: Date): string[] {
  const { validFromDate: from, validToDate: to } = leaf;
  if (to < now) return [`${name} expired at ${to.toISOString()}: peers will refuse it`];
  if (from > now) return [`${name} is not valid before ${from.toISOString()}: peers will refuse it`];
  return [];
}

/** One line, for people. */
export function subjectOf(cert: X509Certificate): string {
  return JSON.stringify((cert.subject ?? "").split("\n").toReversed().join(", "));
}
