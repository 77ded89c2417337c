/** Objects of ds_proxy's format made and opened by libsodium, from the description of the format alone. Shares no code with the program. */
import { openLibsodium } from "./libsodium.ts";

const MAGIC = Buffer.from("4a2761706572637573206c2761756461636965757820636170697461696e652e", "hex");
const OVERHEAD = 17;

export interface SodiumObject {
  version?: 1 | 2;
  chunkSize?: number;
  keyId?: bigint;
  key: Uint8Array;
  plain: Uint8Array;
  /** The tag FINAL on the last message; ds_proxy writes none. */
  final?: boolean;
}

export function writeSodiumObject({ version = 2, chunkSize = 16_384, keyId = 0n, key, plain, final }: SodiumObject) {
  if (plain.length === 0) return Buffer.alloc(0);
  const { header, seal } = openLibsodium().push(key);
  const head = Buffer.alloc(version === 1 ? 48 : 56);
  MAGIC.copy(head);
  head.writeBigUInt64LE(BigInt(version), 32);
  head.writeBigUInt64LE(BigInt(chunkSize), 40);
  if (version === 2) head.writeBigUInt64LE(keyId, 48);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += chunkSize) {
    const last = at + chunkSize >= plain.length;
    messages.push(seal(Uint8Array.from(plain.subarray(at, at + chunkSize)), final && last ? 3 : 0));
  }
  return Buffer.concat([head, header, ...messages]);
}

/** Its plaintext, and the tag of its last message. Throws for what is not genuine. */
export function readSodiumObject(object: Uint8Array, keys: ReadonlyMap<bigint, Uint8Array>) {
  const bytes = Buffer.from(object);
  if (bytes.length === 0) return { plain: Buffer.alloc(0), keyId: undefined, lastTag: undefined };
  if (!bytes.subarray(0, 32).equals(MAGIC)) throw new Error("there is no magic");
  const version = bytes.readBigUInt64LE(32);
  const chunkSize = Number(bytes.readBigUInt64LE(40));
  const keyId = version === 1n ? 0n : bytes.readBigUInt64LE(48);
  const at = version === 1n ? 48 : 56;
  const key = keys.get(keyId);
  if (key === undefined) throw new Error(`there is no key ${keyId}`);
  const open = openLibsodium().pull(key, Uint8Array.from(bytes.subarray(at, at + 24)));
  const pieces: Uint8Array[] = [];
  let lastTag = -1;
  for (let i = at + 24; i < bytes.length; i += chunkSize + OVERHEAD) {
    const opened = open(Uint8Array.from(bytes.subarray(i, i + chunkSize + OVERHEAD)));
    if (opened === undefined) throw new Error(`the message at ${i} is not genuine`);
    pieces.push(opened.message);
    lastTag = opened.tag;
  }
  return { plain: Buffer.concat(pieces), keyId, lastTag };
}
