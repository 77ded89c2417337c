/** What TLS works with, prepared once and shared by all connections: certificates, keys, trust, versions. Opens no connection. */
import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { EXIT, PortailError } from "../command/errors.ts";
import type { Signer } from "../identity/signer.ts";
import { decodePem } from "../wire/pem.ts";
import { createOpensslTls, OpensslTls } from "./openssl-tls.ts";
import type { TlsTerms, TlsVersion } from "./tls-flags.ts";

/** Our certificate chain, leaf first, in PEM, and its key: in the clear, PEM too, or what signs with it. */
type KeyMaterial = { readonly cert: string } & ({ readonly key: string } | { readonly signer: Signer });

interface ContextOptions extends Partial<TlsTerms> {
  /** Absent: we present no certificate. */
  material?: KeyMaterial | undefined;
  /** Trusted certificates, PEM; absent: for who verifies nobody. */
  ca?: readonly string[] | undefined;
  /** Revocation lists, PEM, one in each text. With any, every CA of a chain needs a current one. */
  crl?: readonly string[] | undefined;
  maxVersion?: TlsVersion;
  /** TLS 1.2 suites in OpenSSL's notation; those of TLS 1.3 are fixed by the runtime. */
  ciphers?: string;
  /** Whether sessions are given out and taken back as tickets (RFC 5077, RFC 8446 section 4.6.1). Default true. */
  tickets?: boolean;
}

/** Opaque; made by `createContext` and taken by lib/net/tls.ts. A key that only signs needs the system's OpenSSL. */
export type TlsContext = SecureContext | OpensslTls;

/** Whether TLS with it reads the connection below itself: a listener must give out what comes there. */
export function readsBelow(context: TlsContext): boolean {
  return context instanceof OpensslTls;
}

/** AEAD suites with forward secrecy, as ghostunnel offers for TLS 1.2. */
const SAFE_CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** Signatures that we make and take, in order: the library's own list, without SHA-1 (RFC 9155). */
const SIGNATURES = [
  "ECDSA+SHA256",
  "RSA-PSS+SHA256",
  "RSA+SHA256",
  "ECDSA+SHA384",
  "RSA-PSS+SHA384",
  "RSA+SHA384",
  "RSA-PSS+SHA512",
  "RSA+SHA512",
  "ed25519",
  "ECDSA+SHA512",
].join(":");

/**
 * Prepares a context. Throws `PortailError`: `identity.mismatch` when certificate and key do not belong together,
 * `tls.ciphers` for suites that do not exist, `identity.invalid` for anything else that the runtime refuses; and where a
 * signer's key needs the system's OpenSSL, `tls.no_openssl` if there is none, `tls.groups` for groups that it does not have.
 */
export function createContext(options: ContextOptions): TlsContext {
  const {
    material,
    ca,
    crl,
    minVersion = "TLSv1.2",
    groups,
    maxVersion = "TLSv1.3",
    ciphers = SAFE_CIPHERS,
    tickets = true,
  } = options;
  if (material !== undefined && "signer" in material) {
    const settings = { minVersion, maxVersion, ciphers, groups, signatures: SIGNATURES };
    const [chain, trusted, lists] = [[material.cert], ca ?? [], crl ?? []].map(derOfAll);
    return createOpensslTls(material.signer, { chain: chain!, ca: trusted!, crl: lists!, ...settings });
  }
  // Without any the library would look in the system's folder for who issued our certificate, at each handshake: four files
  // that it tries to open. Our own certificate vouches for nobody else.
  const trusted = ca ?? (material === undefined ? undefined : [decodePem(material.cert)[0]!.text]);
  try {
    return createSecureContext({
      ...(material === undefined ? {} : { cert: material.cert, key: material.key }),
      ...(trusted === undefined ? {} : { ca: [...trusted] }),
      ...(crl === undefined || crl.length === 0 ? {} : { crl: [...crl] }),
      minVersion,
      maxVersion,
      ciphers,
      honorCipherOrder: true,
      sigalgs: SIGNATURES,
      ...(groups === undefined ? {} : { ecdhCurve: groups }),
      ...(tickets ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
    });
  } catch (error) {
    throw refused(error);
  }
}

function derOfAll(texts: readonly string[]): Uint8Array[] {
  return texts.flatMap(decodePem).flatMap(({ body }) => body ?? []);
}

function refused(error: unknown): PortailError {
  const { code = "", message } = error as { code?: string; message: string };
  if (code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH") {
    return new PortailError("the certificate and the private key do not belong together", {
      code: "identity.mismatch",
      exit: EXIT.badData,
      hint: "compare `openssl x509 -noout -pubkey -in CERT` with `openssl pkey -pubout -in KEY`",
      cause: error,
    });
  }
  if (code === "ERR_SSL_NO_CIPHER_MATCH") {
    return new PortailError("none of the cipher suites exists", {
      code: "tls.ciphers",
      exit: EXIT.usage,
      hint: "list names as `openssl ciphers` prints them",
      cause: error,
    });
  }
  return new PortailError(`the TLS library refuses the certificate, key or trust: ${message}`, {
    code: "identity.invalid",
    exit: EXIT.badData,
    hint: "check the files with `openssl x509`, `openssl pkey` and `openssl crl`",
    cause: error,
  });
}
