/** A new object by the newest key, with what is random about it. */
import { randomFillSync } from "node:crypto";
import type { Engine } from "../../lib/cipher/engine.ts";
import { STREAM_HEADER } from "../../lib/cipher/secretstream.ts";
import type { DataKeys } from "./keyring.ts";
import { Ds2Sealer } from "./object/ds2.ts";
import type { Sealer } from "./object/stream.ts";
import { V3_RANDOM, V3Sealer, type PartOf, type V3Randomness } from "./object/v3.ts";

export function makeSealer(format: "ds2" | "v3", engine: Engine, { id, key }: DataKeys["newest"]): Sealer {
  if (format === "ds2") return new Ds2Sealer(engine.messages, key, id, random(STREAM_HEADER));
  return new V3Sealer(engine.chunks, key, id, v3Random(random(V3_RANDOM.objectId)));
}

/** One attempt at a part, which has nothing in common with another but the id of the object. */
export function makePartSealer(
  engine: Engine,
  { id, key }: DataKeys["newest"],
  objectId: Uint8Array,
  of: PartOf,
): V3Sealer {
  return new V3Sealer(engine.chunks, key, id, v3Random(objectId), of);
}

function v3Random(objectId: Uint8Array): V3Randomness {
  const { key, wrappingNonce, salt } = V3_RANDOM;
  return { objectId, key: random(key), wrappingNonce: random(wrappingNonce), salt: random(salt) };
}

export function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}
