/** An object on its way from the storage: opened piece by piece, its first authentic piece known before anything is answered. */
import type { IncomingMessage } from "node:http";
import type { Engine } from "../../../lib/cipher/engine.ts";
import { ds2PlainLength } from "../object/ds2.ts";
import { ObjectError } from "../object/error.ts";
import { LONGEST_HEADER } from "../object/header.ts";
import { ObjectOpener, type Demands, type Keys, type ObjectKind } from "../object/open.ts";
import { NOTHING } from "../object/stream.ts";
import { v3PlainLength } from "../object/v3.ts";
import { iterate, lengthOf } from "./incoming.ts";
import { Trouble } from "./trouble.ts";

export class ObjectAnswer {
  readonly #answer: IncomingMessage;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #opener: ObjectOpener;
  #beginning = new Uint8Array(0);
  #ended = false;
  #first: Uint8Array | undefined;
  /** What was wrong behind the piece that was given last. */
  #wrong: unknown;

  /** Reads up to the first authentic piece. Throws `ObjectError`, `Trouble`. */
  static async open(answer: IncomingMessage, engine: Engine, keys: Keys, demands: Demands): Promise<ObjectAnswer> {
    const object = new ObjectAnswer(answer, new ObjectOpener(engine, keys, demands));
    object.#first = await object.#pull();
    // What is known to be wrong before anything was answered is told in place of the answer.
    if (object.#wrong !== undefined) throw object.#wrong;
    return object;
  }

  private constructor(answer: IncomingMessage, opener: ObjectOpener) {
    this.#answer = answer;
    this.#source = iterate(answer);
    this.#opener = opener;
  }

  get kind(): ObjectKind {
    return this.#opener.kind!;
  }

  get endProven(): boolean {
    return this.#opener.endProven;
  }

  /** Whether all of it was read, and nothing was wrong. */
  get isWhole(): boolean {
    return this.#ended;
  }

  /** Bytes of plaintext; undefined where the storage does not tell the size. Throws `ObjectError` for a size that no object has. */
  plainLength(): number | undefined {
    const sealed = lengthOf(this.#answer);
    if (sealed === undefined) return undefined;
    const plain = plainLengthOf(this.kind, sealed);
    if (plain === undefined) throw new ObjectError("truncated", "no object has this size: it was cut off");
    return plain;
  }

  /** Its first bytes, as far as a header is long and it has so many. */
  get beginning(): Uint8Array {
    return this.#beginning;
  }

  /** The next piece of plaintext, good until the next call; undefined at the end. Throws `ObjectError`, `Trouble`. */
  async next(): Promise<Uint8Array | undefined> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#pull();
  }

  async #pull(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      if (this.#wrong !== undefined) throw this.#wrong;
      const sealed = await this.#read();
      const plain = this.#open(sealed);
      this.#ended = sealed === undefined && this.#wrong === undefined;
      if (plain.length > 0) return plain;
      if (this.#wrong !== undefined) throw this.#wrong;
    }
    return undefined;
  }

  /** All that is authentic of it: what stands before a forged message is not lost. */
  #open(sealed: Uint8Array | undefined): Uint8Array {
    try {
      return sealed === undefined ? this.#opener.finish() : this.#opener.push(sealed);
    } catch (error) {
      if (!(error instanceof ObjectError)) throw error;
      this.#wrong = error;
      return sealed === undefined ? NOTHING : this.#opener.salvaged;
    }
  }

  async #read(): Promise<Uint8Array | undefined> {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await this.#source.next();
    } catch {
      throw broken();
    }
    if (next.done) {
      if (!this.#answer.complete) throw broken();
      return undefined;
    }
    if (this.#beginning.length < LONGEST_HEADER)
      this.#beginning = Uint8Array.from(Buffer.concat([this.#beginning, next.value]).subarray(0, LONGEST_HEADER));
    return next.value;
  }

  /** The rest is not wanted. */
  destroy(): void {
    this.#answer.destroy();
  }
}

function broken(): Trouble {
  return new Trouble("upstream_broken", "the answer of the storage broke off");
}

/** Undefined where no plaintext makes an object of that size. */
export function plainLengthOf(kind: ObjectKind, sealed: number): number | undefined {
  if (kind === "plaintext" || kind === "empty") return sealed;
  return kind.format === "v3" ? v3PlainLength(sealed) : ds2PlainLength(sealed, kind);
}
