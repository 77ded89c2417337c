/** Certificates and keys of pki.ts in other forms: PKCS#12, encrypted keys, PKCS#7. Made by the openssl program. */
import { inFolder, once, openssl, opensslBytes, put, type Certified } from "./pki.ts";

export interface Pkcs12Options {
  /** Default "". */
  password?: string;
  /** `legacy` is RC2-40 for certificates, 3DES for the key and a SHA-1 MAC; `none` does not encrypt. Default PBES2 with AES-256. */
  cipher?: "modern" | "legacy" | "none";
  mac?: boolean;
  /** What is left out. */
  without?: "certs" | "key";
}

const PKCS12_CIPHERS = { modern: [], legacy: ["-legacy"], none: ["-keypbe", "NONE", "-certpbe", "NONE"] };

/** Key and chain in one file. */
export function pkcs12({ chain, key }: Certified, options: Pkcs12Options = {}): Uint8Array {
  const { password = "", cipher = "modern", mac = true, without } = options;
  const flags = [...PKCS12_CIPHERS[cipher], ...(mac ? [] : ["-nomac"]), "-passout", `pass:${password}`];
  return once(["pkcs12", chain, key, flags, without], () => {
    return inFolder((folder) => {
      const keyFlags = without === "key" ? ["-nokeys"] : ["-inkey", put(folder, "key", key)];
      const certFlags = without === "certs" ? ["-nocerts"] : ["-in", put(folder, "chain", chain)];
      return opensslBytes(["pkcs12", "-export", ...keyFlags, ...certFlags, ...flags]);
    });
  });
}

/** `traditional` is PKCS#1 or SEC1 with a `DEK-Info` header, `pbes1` is PKCS#8 of old. */
export type KeyCipher = "pbes2" | "pbes1" | "scrypt" | "traditional";

/** The key, encrypted, PEM. An Ed25519 key has no traditional form. */
export function encryptedKey({ key }: Certified, password: string, cipher: KeyCipher = "pbes2"): string {
  return once(["encrypted-key", key, password, cipher], () => {
    const pass = ["-passout", `pass:${password}`];
    if (cipher === "traditional") return openssl(["pkey", "-traditional", "-aes-256-cbc", ...pass], key);
    const how = { pbes2: ["-v2", "aes-256-cbc"], pbes1: ["-v1", "PBE-SHA1-3DES"], scrypt: ["-scrypt"] };
    return openssl(["pkcs8", "-topk8", ...how[cipher], ...pass], key);
  });
}

/** The key as PKCS#1 or SEC1, PEM. */
export function traditionalKey({ key }: Certified): string {
  return once(["traditional-key", key], () => openssl(["pkey", "-traditional"], key));
}

export function derKey({ key }: Certified): Uint8Array {
  return once(["der-key", key], () => opensslBytes(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], key));
}

/** The chain as PKCS#7. Its DER is `derOf` it. */
export function pkcs7({ chain }: Certified): string {
  return once(["pkcs7", chain], () => openssl(["crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin"], chain));
}
