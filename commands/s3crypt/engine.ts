/** Which cipher libraries work: the fastest that this machine has. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { MAC_LENGTH, type ChunkCipher, type Engine } from "../../lib/cipher/engine.ts";
import { nobleChunks, nobleMessages } from "../../lib/cipher/noble.ts";
import { libcryptoChunks, libcryptoMessages } from "../../lib/ffi/libcrypto.ts";

export const ENGINES = ["auto", "libcrypto", "noble"] as const;

/** `auto` takes what there is. Throws `PortailError` (`s3crypt.no_libcrypto`) where it is asked for and not found. */
export function chooseEngine(name: (typeof ENGINES)[number]): Engine {
  if (name === "noble") return { messages: nobleMessages, chunks: nobleChunks };
  const messages = libcryptoMessages();
  if (messages === undefined && name === "libcrypto") {
    throw new PortailError("there is no libcrypto of OpenSSL 3 or 4 on this machine", {
      code: "s3crypt.no_libcrypto",
      exit: EXIT.unavailable,
      hint: "install OpenSSL's library, or leave --engine out",
    });
  }
  return { messages: messages ?? nobleMessages, chunks: libcryptoChunks() ?? runtimeChunks };
}

/** Throws `PortailError`. */
export function parseEngine(name: string): Engine {
  return chooseEngine(parseChoice("--engine", name, ENGINES));
}

/** By the runtime's own library, where the system has none. Its layers cost a tenth more, and more than that on short objects. */
export const runtimeChunks: ChunkCipher = {
  name: "the runtime",
  seal(key, nonce, chunk, out, at) {
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    out.set(cipher.update(chunk), at);
    cipher.final();
    out.set(cipher.getAuthTag(), at + chunk.length);
  },
  open(key, nonce, sealed, out, at) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: MAC_LENGTH });
    decipher.setAuthTag(sealed.subarray(sealed.length - MAC_LENGTH));
    const chunk = decipher.update(sealed.subarray(0, sealed.length - MAC_LENGTH));
    try {
      decipher.final();
    } catch {
      // The one thing that it is for: the tag is wrong.
      return false;
    }
    out.set(chunk, at);
    return true;
  },
};
