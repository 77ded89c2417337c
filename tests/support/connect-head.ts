/** A CONNECT head read whole, with its field lines taken apart. Asserts nothing. */
import type { Decoded } from "../../lib/wire/decode.ts";
import { decodeConnect, decodeFields } from "../../lib/wire/http-connect.ts";

export interface WholeHead {
  host: string;
  port: number;
  version: "1.0" | "1.1";
  headers: [name: string, value: string][];
}

export function decodeWholeConnect(bytes: Uint8Array): Decoded<WholeHead> {
  const decoded = decodeConnect(bytes);
  if (decoded.kind !== "ok") return decoded;
  const { fieldsAt, ...value } = decoded.value;
  return { ...decoded, value: { ...value, headers: decodeFields(bytes, fieldsAt) } };
}
