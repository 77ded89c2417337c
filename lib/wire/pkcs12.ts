/** The structure of a PKCS#12 file (RFC 7292 section 4): what protects it and the bags inside. Decrypts and verifies nothing. */
import { derFromBer } from "./ber.ts";
import {
  contentOf,
  contextTag,
  DerError,
  DerReader,
  oidText,
  smallInteger,
  TAG,
  wholeOf,
  type Element,
} from "./der.ts";

/** An algorithm with its parameters, as AlgorithmIdentifier has them (RFC 5280 section 4.1.1.2). */
export interface Algorithm {
  readonly oid: string;
  readonly parameters: Element | undefined;
}

export interface Mac {
  readonly digest: Algorithm;
  readonly value: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** Bags that stand open, or encrypted ones; both are for `decodeBags` in the end. */
type Safe =
  | { readonly kind: "open"; readonly bags: Uint8Array }
  | { readonly kind: "encrypted"; readonly algorithm: Algorithm; readonly data: Uint8Array };

export type Bag =
  | { readonly kind: "certificate" | "key"; readonly der: Uint8Array }
  | { readonly kind: "encrypted-key"; readonly algorithm: Algorithm; readonly data: Uint8Array };

interface Pkcs12 {
  readonly safes: readonly Safe[];
  /** What the MAC is made over. */
  readonly content: Uint8Array;
  readonly mac: Mac | undefined;
}

const PKCS7 = "1.2.840.113549.1.7";
const BAGS = "1.2.840.113549.1.12.10.1";
const X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
/** Bags may hold bags. */
const DEEPEST = 8;

/** Throws `DerError` where `bytes` are no such file, or one that is signed with a key instead of a password. */
export function decodePkcs12(bytes: Uint8Array): Pkcs12 {
  const pfx = new DerReader(derFromBer(bytes)).enter(TAG.sequence);
  if (smallInteger(pfx.read(TAG.integer)) !== 3) throw new DerError("the version is not 3");
  const content = openContent(pfx.enter(TAG.sequence));
  const mac = pfx.done ? undefined : macOf(pfx.enter(TAG.sequence));
  const infos = new DerReader(derFromBer(content)).enter(TAG.sequence);
  const safes: Safe[] = [];
  while (!infos.done) {
    const info = infos.read(TAG.sequence);
    const type = oidText(DerReader.within(info).read(TAG.oid));
    if (type === `${PKCS7}.1`) safes.push({ kind: "open", bags: openContent(DerReader.within(info)) });
    else if (type === `${PKCS7}.6`) safes.push(encryptedSafe(DerReader.within(info)));
    else throw new DerError("a part is protected by a key instead of a password");
  }
  return { safes, content, mac };
}

/** The certificates and keys of a decrypted safe, other bags are skipped. Throws `DerError`. */
export function decodeBags(bytes: Uint8Array, depth = 0): Bag[] {
  if (depth > DEEPEST) throw new DerError("bags are nested too deep");
  const list = new DerReader(derFromBer(bytes)).enter(TAG.sequence);
  const bags: Bag[] = [];
  while (!list.done) {
    const bag = list.enter(TAG.sequence);
    const type = oidText(bag.read(TAG.oid));
    const value = bag.enter(contextTag(0, true)).next();
    if (type === `${BAGS}.1`) bags.push({ kind: "key", der: wholeOf(value) });
    if (type === `${BAGS}.2`) bags.push({ kind: "encrypted-key", ...decodeEncrypted(DerReader.within(value)) });
    if (type === `${BAGS}.3`) bags.push(...certificateBag(DerReader.within(value)));
    if (type === `${BAGS}.6`) bags.push(...decodeBags(wholeOf(value), depth + 1));
  }
  return bags;
}

/** EncryptedPrivateKeyInfo (RFC 5958 section 3) without its SEQUENCE. */
export function decodeEncrypted(reader: DerReader): { algorithm: Algorithm; data: Uint8Array } {
  return { algorithm: decodeAlgorithm(reader.enter(TAG.sequence)), data: contentOf(reader.read(TAG.octetString)) };
}

/** AlgorithmIdentifier without its SEQUENCE. */
export function decodeAlgorithm(reader: DerReader): Algorithm {
  return { oid: oidText(reader.read(TAG.oid)), parameters: reader.done ? undefined : reader.next() };
}

function openContent(info: DerReader): Uint8Array {
  if (oidText(info.read(TAG.oid)) !== `${PKCS7}.1`) throw new DerError("it is signed with a key instead of a password");
  return contentOf(info.enter(contextTag(0, true)).read(TAG.octetString));
}

/** EncryptedData (RFC 2315 section 13). */
function encryptedSafe(info: DerReader): Safe {
  info.read(TAG.oid);
  const data = info.enter(contextTag(0, true)).enter(TAG.sequence);
  data.read(TAG.integer);
  const content = data.enter(TAG.sequence);
  content.read(TAG.oid);
  const algorithm = decodeAlgorithm(content.enter(TAG.sequence));
  const text = content.next();
  // In one piece, or in several where the file was BER.
  if (text.tag === contextTag(0, false)) return { kind: "encrypted", algorithm, data: contentOf(text) };
  if (text.tag !== contextTag(0, true)) throw new DerError("an element has another type");
  const pieces = DerReader.within(text);
  const parts: Uint8Array[] = [];
  while (!pieces.done) parts.push(contentOf(pieces.read(TAG.octetString)));
  return { kind: "encrypted", algorithm, data: Buffer.concat(parts) };
}

function macOf(reader: DerReader): Mac {
  const info = reader.enter(TAG.sequence);
  const digest = decodeAlgorithm(info.enter(TAG.sequence));
  const value = contentOf(info.read(TAG.octetString));
  const salt = contentOf(reader.read(TAG.octetString));
  const iterations = reader.done ? 1 : smallInteger(reader.read(TAG.integer));
  return { digest, value, salt, iterations };
}

function certificateBag(bag: DerReader): Bag[] {
  const type = oidText(bag.read(TAG.oid));
  const value = bag.enter(contextTag(0, true));
  return type === X509_CERTIFICATE ? [{ kind: "certificate", der: contentOf(value.read(TAG.octetString)) }] : [];
}
