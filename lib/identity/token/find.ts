/** Finds what a `pkcs11:` URI means: one token, the keys and certificates in it. Chooses nothing where two things fit. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { CKA, CKK, CKO } from "../../wire/cryptoki.ts";
import { formatPkcs11Uri, type Pkcs11Uri } from "../../wire/pkcs11-uri.ts";
import { ecPublicKey, ed25519PublicKey, rsaPublicKey } from "../../wire/token-keys.ts";
import { decodeUtf8 } from "../../wire/utf8.ts";
import type { FoundObject } from "./messages.ts";
import type { LibraryInfo, Slot, TokenInfo, Wanted } from "./module.ts";
import type { TokenProcess } from "./process.ts";

/** A slot with a token in it. */
export interface TokenSlot extends Slot {
  readonly token: TokenInfo;
}

export interface TokenObject {
  readonly handle: number;
  readonly label: string;
  readonly id: Uint8Array;
}

export interface TokenKey extends TokenObject {
  readonly kind: "rsa" | "ec" | "ed25519" | "other";
  /** Whether the token wants the PIN for each signature. */
  readonly alwaysAsks: boolean;
  /** Undefined where the token does not tell it. */
  readonly publicKey: KeyObject | undefined;
}

export interface TokenCertificate extends TokenObject {
  readonly der: Uint8Array;
}

/** Slots whose token is as `uri` says. */
export async function findTokens(process: TokenProcess, uri: Pkcs11Uri): Promise<TokenSlot[]> {
  const slots = await process.ask({ op: "slots" });
  if (!fitsLibrary(process.loaded?.info, uri)) return [];
  return slots.filter((slot): slot is TokenSlot => slot.token !== undefined && fitsToken(slot, slot.token, uri));
}

function fitsLibrary(info: LibraryInfo | undefined, uri: Pkcs11Uri): boolean {
  const { libraryManufacturer, libraryDescription, libraryVersion } = uri;
  if (info === undefined) return true;
  const { major, minor } = info.version;
  return (
    fits(info.manufacturer, libraryManufacturer) &&
    fits(info.description, libraryDescription) &&
    (libraryVersion === undefined || (libraryVersion.major === major && libraryVersion.minor === minor))
  );
}

function fitsToken(slot: Slot, token: TokenInfo, uri: Pkcs11Uri): boolean {
  return (
    fits(token.label, uri.token) &&
    fits(token.manufacturer, uri.manufacturer) &&
    fits(token.model, uri.model) &&
    fits(token.serial, uri.serial) &&
    fits(slot.description, uri.slotDescription) &&
    fits(slot.manufacturer, uri.slotManufacturer) &&
    (uri.slotId === undefined || uri.slotId === slot.id)
  );
}

/** Tokens fill their fields up with spaces, which are no part of the name. */
function fits(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || wanted.trimEnd() === value;
}

const KEY_ATTRIBUTES = [
  CKA.label,
  CKA.id,
  CKA.keyType,
  CKA.modulus,
  CKA.publicExponent,
  CKA.ecParams,
  CKA.ecPoint,
  CKA.alwaysAuthenticate,
] as const;

/** Private keys that fit `uri`, as far as the token shows them: most want a login before. */
export async function findKeys(process: TokenProcess, slot: number, uri: Pkcs11Uri): Promise<TokenKey[]> {
  const ask = (wanted: Wanted[]) => process.ask({ op: "objects", slot, wanted, attributes: KEY_ATTRIBUTES });
  const found = await ask(wantedOf(CKO.privateKey, uri));
  // Its name may be another than that of the private half.
  const publicHalves = new Map((await ask([[CKA.class, CKO.publicKey]])).map((object) => [pairOf(object), object]));
  return found.map((object) => keyOf(object, publicHalves.get(pairOf(object))));
}

/** What both halves of a key have in common: the id, or the name where there is none. */
function pairOf({ values: [label, id] }: FoundObject): string {
  return id?.length ? hexOf(id) : `label ${hexOf(label)}`;
}

function keyOf(object: FoundObject, publicHalf: FoundObject | undefined): TokenKey {
  const [, , type, , , , , always] = object.values;
  const number = numberOf(type);
  const kind = number === CKK.rsa ? "rsa" : number === CKK.ec ? "ec" : number === CKK.edwards ? "ed25519" : "other";
  const publicKey = publicKeyOf(kind, object.values) ?? (publicHalf && publicKeyOf(kind, publicHalf.values));
  return { ...nameOf(object), kind, alwaysAsks: always?.[0] === 1, publicKey };
}

function publicKeyOf(kind: TokenKey["kind"], values: FoundObject["values"]): KeyObject | undefined {
  const [, , , modulus, exponent, params, point] = values;
  let spki: Uint8Array | undefined;
  if (kind === "rsa" && modulus?.length && exponent?.length) spki = rsaPublicKey(modulus, exponent);
  else if (kind === "ec" && params?.length && point?.length) spki = ecPublicKey(params, point);
  else if (kind === "ed25519" && point?.length) spki = ed25519PublicKey(point);
  if (spki === undefined) return undefined;
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** Certificates that fit `uri`. */
export async function findCertificates(
  process: TokenProcess,
  slot: number,
  uri: Pkcs11Uri,
): Promise<TokenCertificate[]> {
  const wanted = wantedOf(CKO.certificate, uri);
  const attributes = [CKA.label, CKA.id, CKA.value];
  const found = await process.ask({ op: "objects", slot, wanted, attributes });
  return found.flatMap((object) => {
    const der = object.values[2];
    return der === undefined || der.length === 0 ? [] : [{ ...nameOf(object), der }];
  });
}

function wantedOf(kind: number, { id, object }: Pkcs11Uri): Wanted[] {
  const wanted: Wanted[] = [[CKA.class, kind]];
  if (id !== undefined) wanted.push([CKA.id, id]);
  if (object !== undefined) wanted.push([CKA.label, new TextEncoder().encode(object)]);
  return wanted;
}

function nameOf({ handle, values: [label, id] }: FoundObject): TokenObject {
  const text = label === undefined ? "" : (decodeUtf8(label) ?? Buffer.from(label).toString("latin1"));
  return { handle, label: text, id: id ?? new Uint8Array(0) };
}

function numberOf(value: Uint8Array | undefined): number {
  return value === undefined || value.length !== 8 ? -1 : Number(Buffer.from(value).readBigUInt64LE());
}

const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

/** The URI of an object, for people to copy: by token, id and name. */
export function uriOf(
  { token }: TokenSlot,
  object: TokenObject | undefined,
  type: Pkcs11Uri["type"],
  more: Pick<Pkcs11Uri, "modulePath"> = {},
): string {
  const { label, manufacturer, model, serial } = token;
  return formatPkcs11Uri({
    model,
    manufacturer,
    serial,
    token: label,
    ...(object !== undefined && object.id.length > 0 && { id: object.id }),
    ...(object !== undefined && object.label !== "" && { object: object.label }),
    ...(type !== undefined && { type }),
    ...more,
  });
}
