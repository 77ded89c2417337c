/** A writer and a reader of ds_proxy's objects on libsodium, written from commands/s3crypt/FORMAT.md alone: nothing of the program's own is in it. */
import { openLibsodium } from "./libsodium.ts";

const MAGIC = Buffer.from("4a2761706572637573206c2761756461636965757820636170697461696e652e", "hex");
const TAG_MESSAGE = 0;
const TAG_FINAL = 3;

export interface Ds2Object {
  version: 1 | 2;
  chunkSize: number;
  keyId: bigint;
  key: Uint8Array;
  plain: Uint8Array;
  /** Whether the last message says that it is the last, as the reference never does. */
  final?: boolean;
  /** Tags of messages by number, where they are to be others. */
  tags?: Readonly<Record<number, number>>;
}

/** Of no plaintext there is no byte. */
export function writeDs2({ version, chunkSize, keyId, key, plain, final = false, tags = {} }: Ds2Object): Buffer {
  if (plain.length === 0) return Buffer.alloc(0);
  const { header, seal } = openLibsodium().push(key);
  const numbers = version === 1 ? [1n, BigInt(chunkSize)] : [2n, BigInt(chunkSize), keyId];
  const fields = numbers.map((number) => {
    const field = Buffer.alloc(8);
    field.writeBigUInt64LE(number);
    return field;
  });
  const messages: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += chunkSize) {
    const last = at + chunkSize >= plain.length;
    const tag = tags[messages.length] ?? (last && final ? TAG_FINAL : TAG_MESSAGE);
    messages.push(seal(new Uint8Array(plain.subarray(at, at + chunkSize)), tag));
  }
  return Buffer.concat([MAGIC, ...fields, header, ...messages]);
}

/** What a reader of ds_proxy makes of it, and the tags, which such a reader ignores. Throws for what it cannot open. */
export function readDs2(keys: ReadonlyMap<bigint, Uint8Array>, object: Uint8Array) {
  const bytes = Buffer.from(object);
  if (bytes.length === 0) return { plain: bytes, tags: [], keyId: undefined };
  if (!bytes.subarray(0, 32).equals(MAGIC)) throw new Error("no object");
  const version = bytes.readBigUInt64LE(32);
  const chunkSize = Number(bytes.readBigUInt64LE(40));
  const keyId = version === 1n ? 0n : bytes.readBigUInt64LE(48);
  const start = version === 1n ? 48 : 56;
  const pull = openLibsodium().pull(keys.get(keyId)!, new Uint8Array(bytes.subarray(start, start + 24)));
  const plain: Uint8Array[] = [];
  const tags: number[] = [];
  for (let at = start + 24; at < bytes.length; at += chunkSize + 17) {
    const opened = pull(new Uint8Array(bytes.subarray(at, at + chunkSize + 17)));
    if (opened === undefined) throw new Error(`message ${tags.length}`);
    plain.push(opened.message);
    tags.push(opened.tag);
  }
  return { plain: Buffer.concat(plain), tags, keyId };
}
