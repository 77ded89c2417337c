/** Whether a signer has the private half of the key that it names: signs something new, and verifies it. */
import { constants, randomBytes, verify } from "node:crypto";
import { schemesOf, SignerError, type Scheme, type Signer } from "./signer.ts";

/**
 * Tries each scheme that the key is asked for. Resolves when all signatures are right; rejects with `SignerError`
 * (`signer.wrong_signature` for a key that is another, or of a token that is broken).
 */
export async function testSigner(signer: Signer): Promise<void> {
  const schemes = schemesOf(signer.publicKey);
  if (schemes.length === 0)
    throw new SignerError(
      "signer.unsupported_key",
      "its key is of a kind that is not supported: use RSA, P-256, P-384, P-521 or Ed25519",
    );
  for (const scheme of schemes) {
    const message = randomBytes(64);
    const signature = await signer.sign(scheme, message);
    if (!isSignature(signer, scheme, message, signature))
      throw new SignerError(
        "signer.wrong_signature",
        "what it signs does not verify with the certificate's public key",
      );
  }
}

function isSignature({ publicKey }: Signer, scheme: Scheme, message: Uint8Array, signature: Uint8Array): boolean {
  if (scheme.kind === "ed25519") return verify(null, message, publicKey, signature);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return verify(scheme.hash, message, { key: publicKey, ...(scheme.kind === "rsa-pss" && pss) }, signature);
}
