/** Objects in parts by portail's own classes, with and without a manifest. Asserts nothing. */
import { createHash } from "node:crypto";
import { openManifest, sealManifest } from "../../commands/s3crypt/object/manifest.ts";
import type { Layout } from "../../commands/s3crypt/object/layout.ts";
import { V3Sealer } from "../../commands/s3crypt/object/v3.ts";
import type { Engine } from "../../lib/cipher/engine.ts";
import { content, keyOf, sealAll, v3Random } from "./s3crypt.ts";

export const KEY_ID = 3;
export const OBJECT_ID = content(16, 77);

export interface MadePart {
  number: number;
  bytes: Buffer;
  plain: Buffer;
  md5: Uint8Array;
  commitment: Uint8Array;
}

/** One attempt at a part; `seed` is its randomness. */
export function makePart(engine: Engine, number: number, plain: Buffer, seed: number, objectId = OBJECT_ID): MadePart {
  const random = { ...v3Random(10 * seed), objectId };
  const sealer = new V3Sealer(engine.chunks, keyOf(KEY_ID), BigInt(KEY_ID), random, {
    part: number,
    plain: plain.length,
  });
  const md5 = Uint8Array.from(createHash("md5").update(plain).digest());
  return { number, bytes: sealAll(sealer, plain), plain, md5, commitment: sealer.commitment };
}

/** As a manifest has it that was sealed and opened; `forgets` leaves out what tells one attempt from another. */
export function layoutOf(parts: readonly MadePart[], forgets: "nothing" | "commitments" = "nothing"): Layout {
  const listed = parts.map(({ number, plain, md5, commitment }) => ({
    number,
    md5,
    plain: plain.length,
    ...(forgets === "nothing" ? { commitment } : {}),
  }));
  const key = { id: BigInt(KEY_ID), key: keyOf(KEY_ID) };
  return openManifest(sealManifest(OBJECT_ID, listed, key, content(24, 5)), OBJECT_ID, key.id, key.key);
}

export function joined(parts: readonly MadePart[]): Buffer {
  return Buffer.concat(parts.map(({ bytes }) => bytes));
}
