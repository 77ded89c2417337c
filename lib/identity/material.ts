/** What a file holds, whatever its name: certificates, keys and revocation lists out of PEM, DER, PKCS#7 and PKCS#12. Decrypts nothing. */
import { EXIT, PortailError } from "../command/errors.ts";
import { derFromBer } from "../wire/ber.ts";
import { kindOfDer } from "../wire/der-kind.ts";
import { DerError } from "../wire/der.ts";
import { decodePem, isPem, type PemBlock } from "../wire/pem.ts";
import { pkcs7Certificates } from "../wire/pkcs7.ts";
import { FILE_ROLES, type FileRole } from "./source-files.ts";

/** A key as it was found; `encrypted` is PKCS#8, `encrypted-pem` one of old, whose header is needed too. */
export type KeyForm =
  | { readonly kind: "pkcs8" | "pkcs1" | "sec1" | "encrypted"; readonly der: Uint8Array }
  | { readonly kind: "encrypted-pem"; readonly pem: string };

export interface Material {
  /** DER, in the order of the file. Not parsed yet. */
  readonly certs: Uint8Array[];
  readonly keys: KeyForm[];
  /** DER. */
  readonly crls: Uint8Array[];
  /** The file itself, if it is one. */
  readonly pkcs12: Uint8Array | undefined;
}

/** Labels of old and of `openssl x509 -trustout`, whose settings behind the certificate are left out, are among them. */
const CERTIFICATE_LABELS = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
const KEY_LABELS: Readonly<Record<string, "pkcs8" | "pkcs1" | "sec1" | "encrypted">> = {
  "PRIVATE KEY": "pkcs8",
  "ENCRYPTED PRIVATE KEY": "encrypted",
  "RSA PRIVATE KEY": "pkcs1",
  "EC PRIVATE KEY": "sec1",
};
/** Of Java keystores. */
const MAGICS = { feedfeed: "JKS", cececece: "JCEKS" } as const;

/** Sorts out what `bytes`, read from `name`, are. Throws `PortailError` for a file that is empty, damaged or something else. */
export function sortMaterial(bytes: Uint8Array, name: string, role: FileRole): Material {
  const file = new NamedFile(name, role);
  if (bytes.length === 0) throw file.refuse("empty", "is empty");
  refuseJava(bytes, file);
  if (isPem(bytes)) return fromPem(bytes, file);
  return fromDer(bytes, file);
}

/** Says what is wrong with a file, in the words of the one who named it. */
export class NamedFile {
  readonly #name: string;
  readonly #role: FileRole;

  constructor(name: string, role: FileRole) {
    this.#name = name;
    this.#role = role;
  }

  /** `why` completes the sentence that begins with the file. */
  refuse(
    code: string,
    why: string,
    hint = `inspect it with: openssl storeutl -noout -text ${this.quoted}`,
  ): PortailError {
    return new PortailError(`${FILE_ROLES[this.#role]} ${JSON.stringify(this.#name)} ${why}`, {
      code: `identity.${code}`,
      exit: EXIT.badData,
      hint,
    });
  }

  get quoted(): string {
    return JSON.stringify(this.#name);
  }
}

function refuseJava(bytes: Uint8Array, file: NamedFile): void {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString("hex");
  if (!Object.hasOwn(MAGICS, magic)) return;
  const kind = MAGICS[magic as keyof typeof MAGICS];
  const convert = `keytool -importkeystore -srcstoretype ${kind} -srckeystore ${file.quoted} -deststoretype PKCS12 -destkeystore NEW.p12`;
  throw file.refuse("java_keystore", `is a Java keystore (${kind}), which is not taken`, `convert it: ${convert}`);
}

function fromPem(bytes: Uint8Array, file: NamedFile): Material {
  const material = empty();
  for (const [i, block] of decodePem(Buffer.from(bytes).toString("utf8")).entries()) {
    if (!sortBlock(block, material)) {
      throw file.refuse("damaged", `is damaged: block ${i + 1} (${block.label}) is no base64 or has no end`);
    }
  }
  return material;
}

/** False for a block that cannot be read. One of another kind, such as `EC PARAMETERS`, is skipped. */
function sortBlock({ label, body, headers, text }: PemBlock, material: Material): boolean {
  const key = Object.hasOwn(KEY_LABELS, label) ? KEY_LABELS[label] : undefined;
  if (body === undefined) return false;
  if (key !== undefined) material.keys.push(headers ? { kind: "encrypted-pem", pem: text } : { kind: key, der: body });
  if (CERTIFICATE_LABELS.includes(label)) material.certs.push(body);
  if (label === "X509 CRL") material.crls.push(body);
  if (label === "PKCS7" || label === "CMS") return sortDer(body, material);
  return true;
}

function fromDer(bytes: Uint8Array, file: NamedFile): Material {
  const material = empty();
  if (sortDer(bytes, material)) return material;
  throw file.refuse("unknown_format", "is neither PEM nor DER");
}

function sortDer(bytes: Uint8Array, material: Mutable<Material>): boolean {
  try {
    const der = derFromBer(bytes);
    const kind = kindOfDer(der);
    if (kind === "certificate") material.certs.push(der);
    else if (kind === "crl") material.crls.push(der);
    else if (kind === "pkcs7") material.certs.push(...pkcs7Certificates(der));
    else if (kind === "pkcs12") material.pkcs12 = der;
    else if (kind === "encrypted-key") material.keys.push({ kind: "encrypted", der });
    else if (kind !== undefined) material.keys.push({ kind, der });
    return kind !== undefined;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function empty(): Mutable<Material> {
  return { certs: [], keys: [], crls: [], pkcs12: undefined };
}
