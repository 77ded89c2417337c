/** Varlink messages (varlink.org): JSON objects, each ended by a zero byte. Strict, bounded; knows no interface and no socket. */
import { decodeUtf8 } from "./utf8.ts";

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** What a client asks. */
export interface VarlinkCall {
  /** `org.example.Interface`. */
  readonly interface: string;
  /** The member of it, `Method`. */
  readonly method: string;
  readonly parameters: JsonObject;
  /** Several replies are welcome. */
  readonly more: boolean;
  /** No reply is. */
  readonly oneway: boolean;
  readonly upgrade: boolean;
}

export interface VarlinkReply {
  readonly parameters: JsonObject;
  /** The full name of an error. */
  readonly error: string | undefined;
  /** Another reply to the same call follows. */
  readonly continues: boolean;
}

/** Why what came is no message; the stream cannot be read any further. */
export class VarlinkBreach {
  constructor(readonly reason: string) {}
}

/** Takes a stream apart into the bytes of its messages. Keeps at most `most` bytes of one that is not whole yet. */
export class VarlinkFrames {
  readonly #most: number;
  #kept = new Uint8Array(0);
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes of a message that has begun. */
  get begun(): number {
    return this.#length;
  }

  /** The messages that end in `chunk`, without their zero bytes; or the breach that ends all. */
  push(chunk: Uint8Array): Uint8Array[] | VarlinkBreach {
    const whole: Uint8Array[] = [];
    for (let from = 0; from < chunk.length;) {
      const zero = chunk.indexOf(0, from);
      const piece = chunk.subarray(from, zero === -1 ? chunk.length : zero);
      if (this.#length + piece.length > this.#most) return new VarlinkBreach(`a message of over ${this.#most} bytes`);
      this.#keep(piece);
      if (zero === -1) break;
      whole.push(this.#kept.slice(0, this.#length));
      this.#length = 0;
      from = zero + 1;
    }
    return whole;
  }

  /** Doubles its room, so that a byte at a time costs no more than all at once. */
  #keep(piece: Uint8Array): void {
    const wanted = this.#length + piece.length;
    if (wanted > this.#kept.length) {
      const larger = new Uint8Array(Math.min(this.#most, Math.max(256, 2 * this.#kept.length, wanted)));
      larger.set(this.#kept.subarray(0, this.#length));
      this.#kept = larger;
    }
    this.#kept.set(piece, this.#length);
    this.#length = wanted;
  }
}

export function decodeCall(message: Uint8Array): VarlinkCall | VarlinkBreach {
  const fields = fieldsOf(message, ["method", "parameters", "more", "oneway", "upgrade"]);
  if (fields instanceof VarlinkBreach) return fields;
  const { method, parameters, more, oneway, upgrade } = fields;
  const name = typeof method === "string" ? splitName(method) : undefined;
  if (name === undefined) return new VarlinkBreach("a call without the name of a method");
  const given = objectOf(parameters);
  if (given === undefined) return new VarlinkBreach("parameters that are no object");
  for (const flag of [more, oneway, upgrade]) {
    if (!isFlag(flag)) return new VarlinkBreach("a flag that is neither true nor false");
  }
  if ((more && oneway) || (more && upgrade)) return new VarlinkBreach("flags that exclude each other");
  return { ...name, parameters: given, more: more === true, oneway: oneway === true, upgrade: upgrade === true };
}

export function decodeReply(message: Uint8Array): VarlinkReply | VarlinkBreach {
  const fields = fieldsOf(message, ["parameters", "error", "continues"]);
  if (fields instanceof VarlinkBreach) return fields;
  const { error = null, continues } = fields;
  const parameters = objectOf(fields["parameters"]);
  if (parameters === undefined) return new VarlinkBreach("parameters that are no object");
  if (error !== null && (typeof error !== "string" || splitName(error) === undefined))
    return new VarlinkBreach("an error without a name");
  if (!isFlag(continues)) return new VarlinkBreach("a flag that is neither true nor false");
  return { parameters, error: error ?? undefined, continues: continues === true };
}

/** `method` with its interface. */
export function encodeCall(method: string, parameters: JsonObject, { more = false, oneway = false } = {}): Uint8Array {
  return encode({ method, parameters, ...(more && { more }), ...(oneway && { oneway }) });
}

export function encodeReply(parameters: JsonObject, continues = false): Uint8Array {
  return encode({ parameters, ...(continues && { continues }) });
}

export function encodeError(error: string, parameters: JsonObject = {}): Uint8Array {
  return encode({ error, parameters });
}

/** A zero byte in a string is written as an escape by JSON, so that only the last byte is one. */
function encode(message: JsonObject): Uint8Array {
  return Buffer.from(`${JSON.stringify(message)}\0`);
}

/** The members of a JSON object that has no others than `known`. */
function fieldsOf(message: Uint8Array, known: readonly string[]): Record<string, unknown> | VarlinkBreach {
  const text = decodeUtf8(message);
  if (text === undefined) return new VarlinkBreach("bytes that are not UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new VarlinkBreach("a message that is not JSON");
  }
  if (!isObject(value)) return new VarlinkBreach("a message that is no object");
  const other = Object.keys(value).find((name) => !known.includes(name));
  return other === undefined
    ? value
    : new VarlinkBreach(`a message with a field ${JSON.stringify(other.slice(0, 40))}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Implementations write null for what they leave out. */
function objectOf(value: unknown): JsonObject | undefined {
  if (value === undefined || value === null) return {};
  return isObject(value) ? (value as JsonObject) : undefined;
}

function isFlag(value: unknown): value is boolean | null | undefined {
  return value === undefined || value === null || typeof value === "boolean";
}

/** `org.example.Interface.Member` by the grammar of varlink.org: a reverse domain name, then a capitalised member. */
function splitName(text: string): { interface: string; method: string } | undefined {
  if (text.length > 255) return undefined;
  const [, name, member] =
    /^([A-Za-z](?:-*[A-Za-z0-9])*(?:\.[A-Za-z0-9](?:-*[A-Za-z0-9])*)+)\.([A-Z][A-Za-z0-9]*)$/.exec(text) ?? [];
  return name === undefined ? undefined : { interface: name, method: member! };
}
