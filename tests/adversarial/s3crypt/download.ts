/** An object to download, a client that asks for it, and what it gets. Asserts nothing. */
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { content } from "../../support/web.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, type Gateway, type ObjectLine } from "./gateway.ts";

export const CHUNK = 16_384;
export const SEALED_CHUNK = CHUNK + 17;
/** Of a header of version 2. */
export const FRONT = 80;
export const BYTES = content(5 * CHUNK);

export const objectOf = ({ keys }: Gateway, final = false, keyId = 1n) =>
  writeSodiumObject({ key: keys.get(keyId)!, keyId, plain: BYTES, final });

interface Asked {
  version?: "1.0" | "1.1";
  /** Lines of the head. */
  more?: string;
  query?: string;
}

/** Asks for an object of a new name; the storage has the head of the request, and has answered nothing. */
export async function get(at: Gateway, { version = "1.1", more = "", query = "" }: Asked = {}) {
  const client = await RawClient.open(at.port);
  const name = newName();
  const host = version === "1.1" ? "Host: a\r\n" : "";
  client.write(`GET /upstream/${name}${query} HTTP/${version}\r\n${host}${more}\r\n`);
  const storage = await at.storage.next();
  await headOf(storage);
  return { client, name, storage };
}

export interface Outcome {
  head: string[];
  body: Buffer;
  /** Whether the client could take it for whole. */
  whole: boolean;
  line: ObjectLine;
}

/** What a client gets of an answer of the storage; `later` of it is sent when the client has the head. */
export async function download(
  at: Gateway,
  answer: (storage: RawClient) => void,
  { later = () => {}, ...asked }: Asked & { later?: typeof answer } = {},
): Promise<Outcome> {
  const { client, name, storage } = await get(at, asked);
  answer(storage);
  const head = await headOf(client);
  later(storage);
  const length = field(head, "content-length");
  const chunked = field(head, "transfer-encoding") === "chunked";
  const body =
    length !== undefined
      ? await client.read(Number(length))
      : chunked
        ? await client.readThrough("\r\n0\r\n\r\n")
        : await client.rest();
  const whole =
    length === undefined ? body.toString("latin1").endsWith("\r\n0\r\n\r\n") : body.length === Number(length);
  client.reset();
  storage.reset();
  await storage.closed;
  return { head, body, whole, line: await at.line(name) };
}

export function sends(object: Uint8Array, fields = `Content-Length: ${object.length}\r\n`) {
  return (storage: RawClient) => {
    storage.write(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
    storage.write(object);
    if (!fields.includes("Content-Length")) storage.end();
  };
}

const CODES = ["status", "code"] as const;

/** How a download was refused, in the answer and in the audit. */
export const told = ({ head, line }: Outcome) => [
  head[0],
  field(head, "x-portail-error"),
  ...CODES.map((name) => line[name]),
];
