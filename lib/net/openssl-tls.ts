/** A context of the system's OpenSSL and the signer whose key it presents. Opens no connection. */
import { openssl } from "../ffi/openssl.ts";
import { OpensslContext, OpensslError, type ContextSettings } from "../ffi/openssl-context.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import type { Signer } from "../identity/signer.ts";

export class OpensslTls {
  readonly context: OpensslContext;
  readonly signer: Signer;

  constructor(context: OpensslContext, signer: Signer) {
    this.context = context;
    this.signer = signer;
  }
}

/**
 * Throws `PortailError`: `tls.no_openssl` where the system has none that can be used, `tls.groups` for groups that it does not
 * have, `identity.invalid` for what else it refuses.
 */
export function createOpensslTls(signer: Signer, settings: ContextSettings): OpensslTls {
  const library = openssl();
  if (typeof library === "string") {
    throw new PortailError(`the key ${JSON.stringify(signer.name)} needs the system's OpenSSL: ${library}`, {
      code: "tls.no_openssl",
      exit: EXIT.unavailable,
      hint: "install OpenSSL 3 or later (Debian: libssl3), of the architecture of portail",
    });
  }
  try {
    return new OpensslTls(new OpensslContext(library, settings), signer);
  } catch (error) {
    if (!(error instanceof OpensslError)) throw error;
    const message = `OpenSSL ${library.version} refuses ${error.message}`;
    if (error.ofGroups)
      throw new PortailError(message, {
        code: "tls.groups",
        exit: EXIT.unavailable,
        hint: "a key in a token needs the system's OpenSSL, which has X25519MLKEM768 since 3.5: name another in --tls-groups",
        cause: error,
      });
    throw new PortailError(message, {
      code: "identity.invalid",
      exit: EXIT.badData,
      hint: "check the files with `openssl x509`, `openssl pkey` and `openssl crl`",
      cause: error,
    });
  }
}
