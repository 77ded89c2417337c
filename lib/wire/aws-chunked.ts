/** The bodies of S3 uploads, in all five payload modes: frames taken away, hashes and signatures and lengths verified. Keeps no object. */
import { bad } from "./decode.ts";
import type { Field } from "./http-forward.ts";
import { SIGNATURE_TRAILER, type Payload } from "./s3-payload.ts";
import { sameText, toHex, type Sha256 } from "./sha256.ts";

/** The chain of signatures that began with the signature of the request; see sigv4-chunks.ts. */
export interface ChunkVerifier {
  /** Whether `signature` is that of the next chunk, whose SHA-256 is `digest`. */
  chunk(digest: Uint8Array, signature: string): boolean;
  /** Whether it is that of the trailers, which are `name:value\n` in the order that they came in. */
  trailer(canonical: Uint8Array, signature: string): boolean;
}

export type Bad = ReturnType<typeof bad>;

/** What a body was, once it is whole. */
interface BodyEnd {
  kind: "ok";
  /** Names in lower case. */
  trailers: Field[];
  /** Bytes of the object. */
  length: number;
}

/**
 * A body that comes in pieces. `push` hands the bytes of the object to `take`, as views of what was pushed; they are
 * authentic only once `finish` says `ok`, so the last of them must not be committed before. After `bad`, all is bad.
 */
export interface BodyDecoder {
  push(bytes: Uint8Array, take: (data: Uint8Array) => void): Bad | undefined;
  /** To be called at the end of the body. */
  finish(): BodyEnd | Bad;
}

/** Longest line: a length, and a signature of 64 digits with what little else an extension may hold. */
const LONGEST_LINE = 512;
/** Longest trailer line, a name and a value. */
const LONGEST_TRAILER = 1024;
/** Digits of a chunk's length; more would only be zeros. */
const MOST_DIGITS = 16;

const LF = 0x0a;
const CR = 0x0d;

/** A decoder for a body of this payload. `verifier` is needed where its chunks are signed. */
export function openBody(payload: Payload, sha256: Sha256, verifier?: ChunkVerifier): BodyDecoder {
  const { mode, length } = payload;
  if (mode.kind === "plain") return new PlainBody(length, mode.sha256, sha256);
  if (mode.signed !== (verifier !== undefined)) throw new TypeError("signed chunks and a verifier go together");
  return new ChunkedBody(length ?? 0, mode.trailer ? payload.trailers : undefined, sha256, verifier);
}

class PlainBody implements BodyDecoder {
  readonly #length: number | undefined;
  readonly #expected: string | undefined;
  readonly #hash: ReturnType<Sha256["start"]> | undefined;
  #got = 0;
  #bad: Bad | undefined;

  constructor(length: number | undefined, expected: string | undefined, sha256: Sha256) {
    this.#length = length;
    this.#expected = expected;
    if (expected !== undefined) this.#hash = sha256.start();
  }

  push(bytes: Uint8Array, take: (data: Uint8Array) => void): Bad | undefined {
    if (this.#bad !== undefined || bytes.length === 0) return this.#bad;
    this.#got += bytes.length;
    if (this.#length !== undefined && this.#got > this.#length)
      return (this.#bad = bad("the body is longer than content-length"));
    this.#hash?.update(bytes);
    take(bytes);
    return undefined;
  }

  finish(): BodyEnd | Bad {
    if (this.#bad !== undefined) return this.#bad;
    this.#bad = bad("the body has ended already");
    if (this.#length !== undefined && this.#got < this.#length) return bad("the body is shorter than content-length");
    if (this.#hash !== undefined && !sameText(toHex(this.#hash.digest()), this.#expected!))
      return bad("x-amz-content-sha256 is not the hash of the body");
    return { kind: "ok", trailers: [], length: this.#got };
  }
}

/** What comes next: the line of a chunk, its data, the empty line behind them, trailers or the empty line in their place. */
type State = "size" | "data" | "data end" | "trailer" | "end" | "done";

class ChunkedBody implements BodyDecoder {
  readonly #announced: readonly string[] | undefined;
  readonly #sha256: Sha256;
  readonly #verifier: ChunkVerifier | undefined;
  readonly #length: number;
  readonly #line = new Uint8Array(Math.max(LONGEST_LINE, LONGEST_TRAILER));
  #lineLength = 0;
  #state: State = "size";
  /** Bytes of this chunk that are still to come. */
  #left = 0;
  #got = 0;
  #signature = "";
  #hash: ReturnType<Sha256["start"]> | undefined;
  readonly #trailers = new Map<string, string>();
  /** A trailer ended with LF alone: minio-go ends all of them so, and then writes CR LF once. */
  #isLoose = false;
  #bad: Bad | undefined;

  constructor(
    length: number,
    announced: readonly string[] | undefined,
    sha256: Sha256,
    verifier: ChunkVerifier | undefined,
  ) {
    this.#length = length;
    this.#announced = announced;
    this.#sha256 = sha256;
    this.#verifier = verifier;
  }

  push(bytes: Uint8Array, take: (data: Uint8Array) => void): Bad | undefined {
    for (let at = 0; at < bytes.length && this.#bad === undefined;) {
      if (this.#state === "data") at = this.#data(bytes, at, take);
      else if (this.#state === "done") this.#fail("there are bytes behind the end of the body");
      else at = this.#lines(bytes, at);
    }
    return this.#bad;
  }

  finish(): BodyEnd | Bad {
    if (this.#bad !== undefined) return this.#bad;
    if (this.#state !== "done") return (this.#bad = bad("the body ends too early"));
    this.#bad = bad("the body has ended already");
    const trailers = [...this.#trailers].filter(([name]) => name !== SIGNATURE_TRAILER);
    return { kind: "ok", trailers, length: this.#got };
  }

  #fail(reason: string): void {
    this.#bad = bad(reason);
  }

  /** Data of a chunk from `at`; where what is no data begins. */
  #data(bytes: Uint8Array, at: number, take: (data: Uint8Array) => void): number {
    const end = Math.min(bytes.length, at + this.#left);
    const data = bytes.subarray(at, end);
    this.#left -= data.length;
    this.#got += data.length;
    this.#hash?.update(data);
    take(data);
    if (this.#left === 0) this.#state = "data end";
    return end;
  }

  /** Bytes of a line from `at`, at most up to its end; where the next begins. */
  #lines(bytes: Uint8Array, at: number): number {
    const longest = this.#state === "trailer" ? LONGEST_TRAILER : LONGEST_LINE;
    const room = longest - this.#lineLength;
    const lf = bytes.indexOf(LF, at);
    const end = lf === -1 ? bytes.length : lf + 1;
    if (end - at > room) {
      this.#fail("a line is too long");
      return end;
    }
    this.#line.set(bytes.subarray(at, end), this.#lineLength);
    this.#lineLength += end - at;
    if (lf === -1) return end;
    const isLoose = this.#line[this.#lineLength - 2] !== CR || this.#lineLength < 2;
    const length = this.#lineLength - (isLoose ? 1 : 2);
    this.#lineLength = 0;
    if (this.#mayEnd(isLoose, length)) this.#read(Buffer.prototype.latin1Slice.call(this.#line, 0, length));
    return end;
  }

  /** Whether a line of this length that ends so is to be read. */
  #mayEnd(isLoose: boolean, length: number): boolean {
    const wasLoose = this.#isLoose;
    this.#isLoose = isLoose;
    if (isLoose ? this.#state !== "trailer" || length === 0 : wasLoose && length > 0)
      this.#fail("a line does not end with CR LF");
    return this.#bad === undefined && (isLoose || !wasLoose);
  }

  #read(line: string): void {
    if (this.#state === "size") this.#readSize(line);
    else if (this.#state === "trailer") this.#readTrailer(line);
    else if (line !== "") this.#fail(this.#state === "end" ? "a trailer was not announced" : "a chunk is too long");
    else if (this.#state === "end") this.#state = "done";
    else if (this.#isSigned()) this.#state = "size";
  }

  #readSize(line: string): void {
    const [digits = "", ...extensions] = line.split(";");
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length > MOST_DIGITS) return this.#fail("a chunk has no length");
    const size = Number.parseInt(digits, 16);
    const signature = signatureOf(extensions);
    if (signature === undefined) return this.#fail("a chunk extension is malformed");
    if (this.#verifier !== undefined && signature === "") return this.#fail("a chunk has no signature");
    if (size > this.#length - this.#got) return this.#fail("the body is longer than x-amz-decoded-content-length");
    if (size === 0 && this.#got < this.#length)
      return this.#fail("the body is shorter than x-amz-decoded-content-length");
    this.#signature = signature;
    this.#left = size;
    this.#hash = this.#verifier && this.#sha256.start();
    if (size > 0) this.#state = "data";
    else if (this.#isSigned()) this.#state = this.#announced === undefined ? "end" : "trailer";
    return undefined;
  }

  /** Whether the chunk that is whole now has the signature that came with it. */
  #isSigned(): boolean {
    const right = this.#verifier?.chunk(this.#hash!.digest(), this.#signature) ?? true;
    if (!right) this.#fail("the signature of a chunk is wrong");
    return right;
  }

  #readTrailer(line: string): void {
    if (line === "") return this.#endTrailers();
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return this.#fail("a trailer is malformed");
    const lower = name.toLowerCase();
    const isExpected =
      this.#announced!.includes(lower) || (lower === SIGNATURE_TRAILER && this.#verifier !== undefined);
    if (!isExpected) return this.#fail("a trailer was not announced");
    if (this.#trailers.has(lower)) return this.#fail("a trailer is given twice");
    this.#trailers.set(lower, value);
    return undefined;
  }

  #endTrailers(): void {
    if (!this.#announced!.every((name) => this.#trailers.has(name))) return this.#fail("a trailer is missing");
    if (this.#verifier !== undefined) {
      const signature = this.#trailers.get(SIGNATURE_TRAILER);
      if (signature === undefined) return this.#fail("the trailers have no signature");
      const lines = [...this.#trailers].map(([name, value]) =>
        name === SIGNATURE_TRAILER ? "" : `${name}:${value}\n`,
      );
      const canonical = Buffer.from(lines.join(""), "latin1");
      if (!this.#verifier.trailer(canonical, signature)) return this.#fail("the signature of the trailers is wrong");
    }
    this.#state = "done";
    return undefined;
  }
}

/** The value of `chunk-signature`, empty where there is none; undefined where the extensions are malformed. */
function signatureOf(extensions: readonly string[]): string | undefined {
  let signature = "";
  for (const extension of extensions) {
    const [, name, value] = /^[ \t]*([\w!#$%&'*+.^`|~-]+)(?:=([\x21-\x7e]*))?[ \t]*$/.exec(extension) ?? [];
    if (name === undefined) return undefined;
    if (name !== "chunk-signature") continue;
    if (signature !== "" || value === undefined || !/^[0-9a-f]{64}$/.test(value)) return undefined;
    signature = value;
  }
  return signature;
}
