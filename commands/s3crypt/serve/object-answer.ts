/** An object on its way from the storage: opened piece by piece, its first authentic piece known before anything is answered. */
import type { IncomingMessage } from "node:http";
import type { Engine } from "../../../lib/cipher/engine.ts";
import { ds2PlainLength } from "../object/ds2.ts";
import { ObjectError } from "../object/error.ts";
import { V3_HEADER } from "../object/header.ts";
import { ObjectOpener, type Demands, type Keys, type ObjectKind } from "../object/open.ts";
import { v3PlainLength } from "../object/v3.ts";
import { iterate } from "./exchange.ts";
import { identifyingLength, openFacts, type SealedFacts } from "./sealed-facts.ts";
import { Trouble } from "./trouble.ts";

export class ObjectAnswer {
  readonly #answer: IncomingMessage;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #opener: ObjectOpener;
  #beginning = new Uint8Array(0);
  #ended = false;
  #first: Uint8Array | undefined;

  /** Reads up to the first authentic piece. Throws `ObjectError`, `Trouble`. */
  static async open(answer: IncomingMessage, engine: Engine, keys: Keys, demands: Demands): Promise<ObjectAnswer> {
    const object = new ObjectAnswer(answer, new ObjectOpener(engine, keys, demands));
    object.#first = await object.#pull();
    return object;
  }

  private constructor(answer: IncomingMessage, opener: ObjectOpener) {
    this.#answer = answer;
    this.#source = iterate(answer)[Symbol.asyncIterator]();
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

  /** What was kept beside this very object. */
  facts(text: string | undefined, keys: Keys): SealedFacts | undefined {
    const { kind } = this;
    if (text === undefined || typeof kind === "string") return undefined;
    return openFacts(text, keys, this.#beginning.subarray(0, identifyingLength(kind)));
  }

  /** The next piece of plaintext, the caller's own; undefined at the end. Throws `ObjectError`, `Trouble`. */
  async next(): Promise<Uint8Array | undefined> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#pull();
  }

  async #pull(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      const sealed = await this.#read();
      const plain = sealed === undefined ? this.#opener.finish() : this.#opener.push(sealed);
      this.#ended = sealed === undefined;
      // The opener uses its memory again, while what is written may wait for the client.
      if (plain.length > 0) return this.kind === "plaintext" ? plain : plain.slice();
    }
    return undefined;
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
    if (this.#beginning.length < V3_HEADER)
      this.#beginning = Uint8Array.from(Buffer.concat([this.#beginning, next.value]).subarray(0, V3_HEADER));
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

/** Of the content of a message, where it is told. */
export function lengthOf({ headers }: Pick<IncomingMessage, "headers">): number | undefined {
  const text = headers["content-length"];
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Undefined where no plaintext makes an object of that size. */
export function plainLengthOf(kind: ObjectKind, sealed: number): number | undefined {
  if (kind === "plaintext" || kind === "empty") return sealed;
  return kind.format === "v3" ? v3PlainLength(sealed) : ds2PlainLength(sealed, kind);
}
