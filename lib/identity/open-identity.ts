/** Who we are, wherever the private key is: in files (identity.ts), or in a token that keeps it. */
import { X509Certificate } from "node:crypto";
import { EXIT, PortailError } from "../command/errors.ts";
import { encodePem } from "../wire/pem.ts";
import { chainFrom, parseCertificates, readIdentity, subjectOf, validityWarnings } from "./identity.ts";
import type { Identity, IdentitySource } from "./identity.ts";
import { NamedFile, sortMaterial } from "./material.ts";
import { testSigner } from "./self-test.ts";
import { SignerError } from "./signer.ts";
import type { SourceFiles } from "./source-files.ts";
import { describeSource, type TokenSource } from "./token/source.ts";
import { tokensOf } from "./token/tokens.ts";

/**
 * As `readIdentity`, and for keys in tokens too: those are found, logged in to and made to sign once, so that what cannot
 * work does not start. Throws `PortailError` (`identity.*`, `token.*`).
 */
export async function openIdentity(source: IdentitySource, files: SourceFiles, now = new Date()): Promise<Identity> {
  return source.kind === "token" ? openTokenIdentity(source, files, now) : readIdentity(source, files, now);
}

async function openTokenIdentity(source: TokenSource, files: SourceFiles, now: Date): Promise<Identity> {
  const given = typeof source.cert === "string" ? readCertificates(source.cert, files) : undefined;
  // Of several in a file, the first is whose key is looked for; a certificate of an authority is not.
  const wanted = given?.find(({ ca }) => !ca) ?? given?.[0];
  const { signer, uri, certificates, all } = await tokensOf(files).open(source, wanted?.publicKey);
  const certs = given ?? certificates.map((der) => new X509Certificate(der));
  const fits = certs.filter((cert) => cert.publicKey.equals(signer.publicKey));
  const [leaf, second] = fits;
  if (leaf === undefined) throw noCertificate(source, uri, certs);
  if (given === undefined && second !== undefined) {
    throw new PortailError(`the token has ${fits.length} certificates of the key ${uri}`, {
      code: "token.two_certificates",
      exit: EXIT.config,
      hint: "delete what is out of date, or give the right one as --cert FILE",
    });
  }
  try {
    await testSigner(signer);
  } catch (error) {
    if (!(error instanceof SignerError)) throw error;
    throw new PortailError(`the key ${uri} does not sign as it should: ${error.message}`, {
      code: error.code === "signer.wrong_signature" ? "identity.mismatch" : error.code,
      exit: error.code === "signer.wrong_signature" ? EXIT.badData : EXIT.unavailable,
      hint: "the key must be allowed to sign (CKA_SIGN); RSA keys by PKCS#1 and PSS",
      cause: error,
    });
  }
  const chain = chainFrom(leaf, given ?? [leaf, ...issuersIn(all)]);
  const cert = chain.map(({ raw }) => encodePem("CERTIFICATE", raw)).join("");
  const name = `the certificate ${subjectOf(leaf)} of ${uri}`;
  return {
    credential: { kind: "signer", cert, signer },
    chain: chain.map(({ raw }) => raw),
    warnings: validityWarnings(leaf, name, now),
  };
}

/** Authorities among the certificates of a token; others there have nothing to do with this key. */
function issuersIn(all: readonly Uint8Array[]): X509Certificate[] {
  return all.flatMap((der) => {
    try {
      const cert = new X509Certificate(der);
      return cert.ca ? [cert] : [];
    } catch {
      return [];
    }
  });
}

function readCertificates(name: string, files: SourceFiles): X509Certificate[] {
  const file = new NamedFile(name, "cert");
  const { certs } = sortMaterial(files.read(name, "cert"), name, "cert");
  if (certs.length === 0) throw file.refuse("no_certificate", "holds no certificate");
  return parseCertificates(certs, file);
}

function noCertificate(source: TokenSource, uri: string, certs: readonly X509Certificate[]): PortailError {
  if (typeof source.cert === "string" || certs.length > 0) {
    return new PortailError(`the private key ${uri} is of no certificate that was given for it`, {
      code: "identity.mismatch",
      exit: EXIT.badData,
      hint: "compare `openssl x509 -noout -pubkey -in CERT` with `portail identity list`",
    });
  }
  return new PortailError(`the token has no certificate for ${describeSource(source)}`, {
    code: "token.no_certificate",
    exit: EXIT.unavailable,
    hint: "give it as --cert FILE, or write it into the token with the id of the key",
  });
}
