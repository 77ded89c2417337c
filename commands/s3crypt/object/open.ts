/** Reads an object of any kind: finds out which it is, and by which key, and holds it against what is asked of objects. */
import type { Engine } from "../../../lib/cipher/engine.ts";
import { Ds2Opener } from "./ds2.ts";
import { ObjectError } from "./error.ts";
import { decodeHeader, type Ds2Header, type ObjectHeader, type V3Header } from "./header.ts";
import { isPart, PartsOpener } from "./parts.ts";
import { NOTHING, Output, type Opener } from "./stream.ts";
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
  /** The caller looks for the manifests of objects in parts: one without is not refused here. */
  readonly seesManifests?: boolean;
}

/** What an object turned out to be. `empty` has no byte at all: that is how the format of ds_proxy has nothing. */
export type ObjectKind = ObjectHeader | "plaintext" | "empty";

/** As `Opener`, from the first byte of the object on. */
export class ObjectOpener implements Opener {
  readonly #engine: Engine;
  readonly #keys: Keys;
  readonly #demands: Demands;
  #start: Uint8Array = NOTHING;
  #inner: Opener | undefined;
  #failure: unknown;
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

  get salvaged(): Uint8Array {
    return this.#inner?.salvaged ?? NOTHING;
  }

  /** Of an object in parts, those that were read to their end. */
  get parts(): number | undefined {
    return this.#inner instanceof PartsOpener ? this.#inner.count : undefined;
  }

  /** What went wrong once goes wrong ever after. */
  push(sealed: Uint8Array): Uint8Array {
    return this.#trying(() => {
      if (this.#inner !== undefined) return this.#inner.push(sealed);
      const rest = this.#begin(sealed, false);
      return rest === undefined ? NOTHING : this.#inner!.push(rest);
    });
  }

  finish(): Uint8Array {
    return this.#trying(() => {
      if (this.#inner !== undefined) return this.#inner.finish();
      const rest = this.#begin(NOTHING, true)!;
      return Buffer.concat([this.#inner!.push(rest), this.#inner!.finish()]);
    });
  }

  #trying(act: () => Uint8Array): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return act();
    } catch (failure) {
      this.#failure = failure;
      throw failure;
    }
  }

  /** Finds out what the object is, and answers what its opener is to be given first; undefined where that takes more. */
  #begin(sealed: Uint8Array, ended: boolean): Uint8Array | undefined {
    const start = this.#start.length === 0 ? sealed : Buffer.concat([this.#start, sealed]);
    const header = decodeHeader(start, ended);
    if (header === undefined) {
      // A copy, since the memory is the caller's.
      this.#start = Uint8Array.from(start);
      return undefined;
    }
    const kind = start.length === 0 ? "empty" : header;
    this.#kind = kind;
    this.#start = NOTHING;
    this.#inner = this.#opener(kind);
    // Parts are told from each other by their headers: the first as the others.
    return typeof kind === "string" || isPart(kind) ? start : start.subarray(kind.length);
  }

  #opener(kind: ObjectKind): Opener {
    const key = admit(kind, this.#keys, this.#demands);
    if (typeof kind === "string") return new Passing();
    if (kind.format === "ds2")
      return new Ds2Opener(this.#engine.messages, key!, kind, requiresFinal(kind, this.#demands));
    if (isPart(kind)) return this.#partsOpener(kind, key!);
    return new V3Opener(this.#engine.chunks, key!, kind);
  }

  #partsOpener(first: V3Header, key: Uint8Array): Opener {
    if (requiresManifest(first, this.#demands) && this.#demands.seesManifests !== true)
      throw new ObjectError(
        "unproven_end",
        "the object is in parts, and without its manifest nothing shows that they are all",
      );
    return new PartsOpener(this.#engine, { objectId: first.objectId, keyId: first.keyId, key });
  }
}

/** Whether an object in parts must have a manifest, which alone shows that they are all. */
export function requiresManifest({ keyId }: Pick<V3Header, "keyId">, { finalFrom }: Demands): boolean {
  return finalFrom !== undefined && keyId >= finalFrom;
}

/** The data key that an object is by; undefined of one that is not encrypted. Throws `ObjectError` where it is not what is asked for. */
export function admit(kind: ObjectKind, keys: Keys, { finalFrom, plaintext }: Demands): Uint8Array | undefined {
  if (kind === "empty") {
    if (finalFrom === undefined) return undefined;
    throw new ObjectError("unproven_end", "the object is empty, and nothing shows that it was written so");
  }
  if (kind === "plaintext") {
    if (plaintext) return undefined;
    throw new ObjectError("plaintext", "the object is not encrypted");
  }
  const key = keys.get(kind.keyId);
  if (key === undefined) throw new ObjectError("unknown_key", `the keyring has no key ${kind.keyId}`);
  return key;
}

/** Whether an object of ds_proxy's format must show where it ends. */
export function requiresFinal({ keyId }: Ds2Header, { finalFrom }: Demands): boolean {
  return finalFrom !== undefined && keyId >= finalFrom;
}

/** Of what is not encrypted nothing can be shown. */
class Passing implements Opener {
  readonly endProven = false;
  readonly salvaged = NOTHING;
  readonly #output = new Output();

  /** A copy, which stays good when the caller's memory does not. */
  push(bytes: Uint8Array): Uint8Array {
    const out = this.#output.room(bytes.length);
    out.set(bytes);
    return out.subarray(0, bytes.length);
  }

  finish(): Uint8Array {
    return NOTHING;
  }
}
