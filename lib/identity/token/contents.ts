/** What the tokens of a module have, for people and programs to look through. Chooses nothing. */
import { X509Certificate } from "node:crypto";
import { EXIT, PortailError } from "../../command/errors.ts";
import { CKF } from "../../wire/cryptoki.ts";
import type { ObjectType } from "../../wire/pkcs11-uri.ts";
import { subjectOf } from "../identity.ts";
import { SignerError } from "../signer.ts";
import {
  findCertificates,
  findKeys,
  findTokens,
  uriOf,
  type TokenCertificate,
  type TokenKey,
  type TokenSlot,
} from "./find.ts";
import type { Slot } from "./module.ts";
import type { TokenProcess } from "./process.ts";
import type { TokenSource } from "./source.ts";
import type { Tokens } from "./tokens.ts";

export interface ListedSlot {
  readonly slot: number;
  readonly description: string;
  /** Its label; absent where there is none in the slot. */
  readonly token?: string;
  readonly uri?: string;
  readonly notes: readonly string[];
  readonly keys: readonly { kind: string; label: string; id: string; uri: string; pin?: string }[];
  readonly certificates: readonly {
    label: string;
    id: string;
    uri: string;
    subject: string;
    notAfter: string;
  }[];
}

/**
 * All slots whose token fits `source`, and slots without one where it asks for nothing. Logs in where it has a PIN, and
 * then to one token only. Throws `PortailError` (`token.*`).
 */
export async function contents(
  tokens: Tokens,
  source: TokenSource,
  type: ObjectType | undefined,
): Promise<ListedSlot[]> {
  try {
    const process = tokens.process(source.module);
    const slots = await process.ask({ op: "slots" });
    // Of who knows the PIN, with the usual refusals.
    const open = source.pin === undefined ? undefined : await tokens.token(source);
    const fitting = open === undefined ? await findTokens(process, source.key) : [open];
    const empty = Object.keys(source.key).length === 0 ? slots.filter(({ token }) => token === undefined) : [];
    const listed = fitting.map((slot) => listSlot(process, slot, source, type, slot.id === open?.id));
    return [...(await Promise.all(listed)), ...empty.map(emptySlot)];
  } catch (error) {
    if (!(error instanceof SignerError)) throw error;
    throw new PortailError(error.message, {
      code: error.code,
      exit: EXIT.unavailable,
      hint: "try the module with `pkcs11-tool --module PATH --list-slots`",
      cause: error,
    });
  }
}

function emptySlot({ id, description }: Slot): ListedSlot {
  return { slot: id, description, notes: [], keys: [], certificates: [] };
}

async function listSlot(
  process: TokenProcess,
  slot: TokenSlot,
  { key: uri, module }: TokenSource,
  type: ObjectType | undefined,
  loggedIn: boolean,
): Promise<ListedSlot> {
  const { id, description, token } = slot;
  const where = {
    slot: id,
    description,
    token: token.label,
    uri: uriOf(slot, undefined, undefined, { modulePath: module }),
  };
  // A slot whose token was never given a name or a PIN.
  if ((token.flags & CKF.tokenInitialized) === 0)
    return { ...where, notes: ["not initialized"], keys: [], certificates: [] };
  const keys = type === undefined || type === "private" ? await findKeys(process, id, uri) : [];
  const certificates = type === undefined || type === "cert" ? await findCertificates(process, id, uri) : [];
  const hidden = !loggedIn && (token.flags & CKF.loginRequired) !== 0;
  return {
    ...where,
    notes: [...(hidden ? ["private keys show with the PIN only"] : []), ...warnings(token.flags)],
    keys: keys.map((key) => keyLine(slot, key, module)),
    certificates: certificates.flatMap((certificate) => certificateLine(slot, certificate, module)),
  };
}

function warnings(flags: number): string[] {
  if (flags & CKF.userPinLocked) return ["the PIN is locked"];
  if (flags & CKF.userPinFinalTry) return ["the next wrong PIN locks it"];
  return flags & CKF.userPinCountLow ? ["a wrong PIN was given since the last right one"] : [];
}

function keyLine(slot: TokenSlot, key: TokenKey, modulePath: string): ListedSlot["keys"][number] {
  const { kind, label, id, publicKey } = key;
  const spki = publicKey?.export({ type: "spki", format: "der" });
  return {
    kind: kindOf(kind, publicKey),
    label,
    id: Buffer.from(id).toString("hex"),
    uri: uriOf(slot, key, "private", { modulePath }),
    ...(spki && { pin: new Bun.CryptoHasher("sha256").update(spki).digest("base64") }),
  };
}

/** `RSA 2048`, `P-256`, `Ed25519`. */
function kindOf(kind: string, publicKey: TokenKey["publicKey"]): string {
  const { modulusLength, namedCurve } = publicKey?.asymmetricKeyDetails ?? {};
  if (kind === "rsa") return modulusLength === undefined ? "RSA" : `RSA ${modulusLength}`;
  if (kind === "ed25519") return "Ed25519";
  if (kind !== "ec") return kind;
  return namedCurve === undefined ? "EC" : (CURVES[namedCurve] ?? namedCurve);
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };

function certificateLine(
  slot: TokenSlot,
  certificate: TokenCertificate,
  modulePath: string,
): ListedSlot["certificates"][number][] {
  try {
    const parsed = new X509Certificate(certificate.der);
    return [
      {
        label: certificate.label,
        id: Buffer.from(certificate.id).toString("hex"),
        uri: uriOf(slot, certificate, "cert", { modulePath }),
        subject: subjectOf(parsed),
        notAfter: parsed.validToDate.toISOString(),
      },
    ];
  } catch {
    return [];
  }
}
