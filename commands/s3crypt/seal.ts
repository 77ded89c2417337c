/** A new object by the newest key, with what is random about it. */
import { randomFillSync } from "node:crypto";
import type { Engine } from "../../lib/cipher/engine.ts";
import { STREAM_HEADER } from "../../lib/cipher/secretstream.ts";
import type { DataKeys } from "./keyring.ts";
import { Ds2Sealer } from "./object/ds2.ts";
import type { Sealer } from "./object/stream.ts";
import { V3_RANDOM, V3Sealer } from "./object/v3.ts";

export function makeSealer(format: "ds2" | "v3", engine: Engine, { id, key }: DataKeys["newest"]): Sealer {
  if (format === "ds2") return new Ds2Sealer(engine.messages, key, id, random(STREAM_HEADER));
  return new V3Sealer(engine.chunks, key, id, {
    objectId: random(V3_RANDOM.objectId),
    key: random(V3_RANDOM.key),
    wrappingNonce: random(V3_RANDOM.wrappingNonce),
    salt: random(V3_RANDOM.salt),
  });
}

function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}
