/** Signatures of the chunks and trailers of an upload: each is made of the one before, the first of the request's. Reads no frames. */
import type { ChunkVerifier } from "./aws-chunked.ts";
import { EMPTY_SHA256 } from "./s3-payload.ts";
import { sameText, toHex, type Sha256 } from "./sha256.ts";
import type { Signing } from "./sigv4.ts";

/** Makes the signatures of one upload, in order. */
export class ChunkSigner {
  readonly #signing: Signing;
  readonly #sha256: Sha256;
  #previous: string;

  /** `signing` is what the request was signed with, or verified with. */
  constructor(signing: Signing, sha256: Sha256) {
    this.#signing = signing;
    this.#sha256 = sha256;
    this.#previous = signing.signature;
  }

  /** The signature of the next chunk, whose SHA-256 is `digest`; the last is that of nothing. */
  chunk(digest: Uint8Array): string {
    return this.#next("AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_SHA256, toHex(digest)]);
  }

  /** The signature of the trailers, `name:value\n` for each in the order that they are sent in. */
  trailer(canonical: Uint8Array): string {
    return this.#next("AWS4-HMAC-SHA256-TRAILER", [toHex(this.#sha256.hash(canonical))]);
  }

  #next(algorithm: string, hashes: readonly string[]): string {
    const { amzDate, scope, key } = this.#signing;
    const text = [algorithm, amzDate, scope, this.#previous, ...hashes].join("\n");
    this.#previous = toHex(this.#sha256.hmac(key, Buffer.from(text)));
    return this.#previous;
  }
}

/** Compares the signatures of an upload with those that it should have. */
export function verifyChunks(signing: Signing, sha256: Sha256): ChunkVerifier {
  const signer = new ChunkSigner(signing, sha256);
  return {
    chunk: (digest, signature) => sameText(signer.chunk(digest), signature),
    trailer: (canonical, signature) => sameText(signer.trailer(canonical), signature),
  };
}
