/** Objects made and opened by portail's own classes, fed in pieces of any length, and contents for them. Asserts nothing. */
import { createCipheriv } from "node:crypto";
import { chooseEngine } from "../../commands/s3crypt/engine.ts";
import { Ds2Sealer } from "../../commands/s3crypt/object/ds2.ts";
import { ObjectError } from "../../commands/s3crypt/object/error.ts";
import { ObjectOpener, type Demands, type ObjectKind } from "../../commands/s3crypt/object/open.ts";
import type { Opener, Sealer } from "../../commands/s3crypt/object/stream.ts";
import { V3_RANDOM, V3Sealer } from "../../commands/s3crypt/object/v3.ts";
import type { Engine } from "../../lib/cipher/engine.ts";
import { libcryptoMessages } from "../../lib/ffi/libcrypto.ts";
import type { Prng } from "../adversarial/prng.ts";
import { leaveOut } from "./needs.ts";

export const S = 16_384;
/** Lengths of plaintext at which formats may differ. */
export const SIZES = [0, 1, S - 1, S, S + 1, 2 * S, 10 * 1024 * 1024];
export const ANY: Demands = { plaintext: true, finalFrom: undefined };

export const ENGINES: [name: string, engine: Engine][] = [["noble", chooseEngine("noble")]];
if (libcryptoMessages() === undefined) leaveOut("objects by libcrypto", ["libcrypto.so.3"]);
else ENGINES.push(["libcrypto", chooseEngine("libcrypto")]);

/** Data keys 0 to 12, none like another. */
export const KEYS = new Map(Array.from({ length: 13 }, (_, id) => [BigInt(id), content(32, 1000 + id)] as const));
export const keyOf = (id: number) => KEYS.get(BigInt(id))!;

/** Bytes that `seed` repeats: AES in counter mode, since many are wanted. */
export function content(length: number, seed: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, `${seed} `), Buffer.alloc(16)).update(Buffer.alloc(length));
}

export function v3Random(seed: number) {
  const { objectId, key, wrappingNonce, salt } = V3_RANDOM;
  return {
    objectId: content(objectId, seed + 1),
    key: content(key, seed + 2),
    wrappingNonce: content(wrappingNonce, seed + 3),
    salt: content(salt, seed + 4),
  };
}

/** A sealer whose randomness is of `seed`. */
export function sealer(format: "ds2" | "v3", engine: Engine, keyId: number, seed = keyId): Sealer {
  return format === "ds2"
    ? new Ds2Sealer(engine.messages, keyOf(keyId), BigInt(keyId), content(24, seed))
    : new V3Sealer(engine.chunks, keyOf(keyId), BigInt(keyId), v3Random(seed));
}

/** Where to cut what is fed: all at once, in pieces of one length, or at random. */
export type Cuts = "whole" | number | Prng;

export function* cut(bytes: Uint8Array, cuts: Cuts): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const most = bytes.length - at;
    // Short pieces and long ones, and none at all now and then.
    const length = cuts === "whole" ? most : typeof cuts === "number" ? cuts : cuts.below(cuts.below(2) ? 40 : 40_000);
    yield bytes.subarray(at, (at += Math.min(length, most)));
  }
}

/** The whole object. Each piece is fed from memory that is wiped behind it, and taken when the next one is there. */
export function sealAll(by: Sealer, plain: Uint8Array, cuts: Cuts = "whole"): Buffer {
  return Buffer.concat([...taken(by, plain, cuts)]);
}

function* taken(by: Sealer | Opener, bytes: Uint8Array, cuts: Cuts): Generator<Buffer> {
  let held: Uint8Array | undefined;
  const scratch = Buffer.alloc(cuts === "whole" ? bytes.length : typeof cuts === "number" ? cuts : 40_000);
  for (const piece of cut(bytes, cuts)) {
    scratch.set(piece);
    const out = by.push(scratch.subarray(0, piece.length));
    scratch.fill(0xee);
    if (held !== undefined) yield Buffer.from(held);
    held = out;
  }
  if (held !== undefined) {
    const out = by.finish();
    yield Buffer.from(held);
    yield Buffer.from(out);
  } else yield Buffer.from(by.finish());
}

export interface Opened {
  /** What was given out before the end, or before the trouble. */
  given: Buffer;
  trouble: ObjectError | undefined;
  kind: ObjectKind | undefined;
  endProven: boolean;
}

/** Opens it as far as it goes. Throws what is no `ObjectError`. */
export function openAll(
  engine: Engine,
  object: Uint8Array,
  { demands = ANY, cuts = "whole", keys = KEYS }: { demands?: Demands; cuts?: Cuts; keys?: typeof KEYS } = {},
): Opened {
  const opener = new ObjectOpener(engine, keys, demands);
  const given: Buffer[] = [];
  let trouble: ObjectError | undefined;
  try {
    for (const piece of cut(object, cuts)) given.push(Buffer.from(opener.push(piece)));
    given.push(Buffer.from(opener.finish()));
  } catch (error) {
    if (!(error instanceof ObjectError)) throw error;
    trouble = error;
  }
  return { given: Buffer.concat(given), trouble, kind: opener.kind, endProven: opener.endProven };
}

/** The same with memory that is used again, for objects that open. */
export function openWell(engine: Engine, object: Uint8Array, cuts: Cuts = "whole", demands = ANY): Buffer {
  return Buffer.concat([...taken(new ObjectOpener(engine, KEYS, demands), object, cuts)]);
}
