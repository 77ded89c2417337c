/** Reads an object of any kind: finds out which it is, and by which key, and holds it against what is asked of objects. */
import type { Engine } from "../../../lib/cipher/engine.ts";
import { Ds2Opener } from "./ds2.ts";
import { ObjectError } from "./error.ts";
import { decodeHeader, type ObjectHeader } from "./header.ts";
import type { Opener } from "./stream.ts";
import { V3Opener } from "./v3.ts";

export interface Keys {
  /** The data key of `id`, 32 bytes. */
  get(id: bigint): Uint8Array | undefined;
}

export interface Demands {
  /** Whether what is not encrypted is passed through. */
  readonly plaintext: boolean;
  /** Objects of ds_proxy's format by keys of this id and above must show where they end; undefined asks for none. */
  readonly finalFrom: bigint | undefined;
}

/** What an object turned out to be. `empty` has no byte at all: that is how the format of ds_proxy has nothing. */
export type ObjectKind = ObjectHeader | "plaintext" | "empty";

const NOTHING = new Uint8Array(0);

/** As `Opener`, from the first byte of the object on. */
export class ObjectOpener implements Opener {
  readonly #engine: Engine;
  readonly #keys: Keys;
  readonly #demands: Demands;
  #start: Uint8Array = NOTHING;
  #inner: Opener | undefined;
  #kind: ObjectKind | undefined;

  constructor(engine: Engine, keys: Keys, demands: Demands) {
    this.#engine = engine;
    this.#keys = keys;
    this.#demands = demands;
  }

  /** Undefined until enough was seen of it. */
  get kind(): ObjectKind | undefined {
    return this.#kind;
  }

  get endProven(): boolean {
    return this.#inner?.endProven ?? false;
  }

  push(sealed: Uint8Array): Uint8Array {
    if (this.#inner !== undefined) return this.#inner.push(sealed);
    return this.#begin(sealed, false)?.push(this.#start) ?? NOTHING;
  }

  finish(): Uint8Array {
    if (this.#inner !== undefined) return this.#inner.finish();
    const inner = this.#begin(NOTHING, true)!;
    return Buffer.concat([inner.push(this.#start), inner.finish()]);
  }

  /** Behind it `#start` has what the opener is to be given first. */
  #begin(sealed: Uint8Array, ended: boolean): Opener | undefined {
    const start = this.#start.length === 0 ? sealed : Buffer.concat([this.#start, sealed]);
    const header = decodeHeader(start, ended);
    if (header === undefined) {
      this.#start = start.slice();
      return undefined;
    }
    this.#kind = start.length === 0 ? "empty" : header;
    this.#start = header === "plaintext" ? start : start.subarray(header.length);
    return (this.#inner = this.#opener(this.#kind));
  }

  #opener(kind: ObjectKind): Opener {
    const { finalFrom, plaintext } = this.#demands;
    if (kind === "empty") {
      if (finalFrom === undefined) return new Passing();
      throw new ObjectError("unproven_end", "the object is empty, and nothing shows that it was written so");
    }
    if (kind === "plaintext") {
      if (plaintext) return new Passing();
      throw new ObjectError("plaintext", "the object is not encrypted");
    }
    const key = this.#keys.get(kind.keyId);
    if (key === undefined) throw new ObjectError("unknown_key", `the keyring has no key ${kind.keyId}`);
    return kind.format === "v3"
      ? new V3Opener(this.#engine.chunks, key, kind)
      : new Ds2Opener(this.#engine.messages, key, kind, finalFrom !== undefined && kind.keyId >= finalFrom);
  }
}

/** Of what is not encrypted nothing can be shown. */
class Passing implements Opener {
  readonly endProven = false;

  push(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  finish(): Uint8Array {
    return NOTHING;
  }
}
