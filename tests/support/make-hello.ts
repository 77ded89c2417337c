/** ClientHellos put together field by field (RFC 8446 section 4.1.2), right or wrong as a test wants. Asserts nothing. */

export interface HelloParts {
  version?: number;
  sessionId?: Uint8Array;
  suites?: Uint8Array;
  compressions?: Uint8Array;
  /** In order; undefined leaves the field out altogether. */
  extensions?: readonly (readonly [type: number, data: Uint8Array])[] | undefined;
  /** Behind the last field. */
  behind?: Uint8Array;
}

export function numbers(size: number, ...values: number[]): Uint8Array {
  const bytes = values.flatMap((value) =>
    Array.from({ length: size }, (_, i) => (value >>> (8 * (size - 1 - i))) & 255),
  );
  return Uint8Array.from(bytes);
}

/** `bytes` behind their length. */
export function vector(sizeBytes: number, ...bytes: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(bytes);
  return Buffer.concat([numbers(sizeBytes, content.length), content]);
}

export const text = (value: string): Uint8Array => Buffer.from(value, "latin1");

export const serverName = (name: string) => [0, vector(2, numbers(1, 0), vector(2, text(name)))] as const;

export const protocolIds = (...ids: string[]) => [16, vector(2, ...ids.map((id) => vector(1, text(id))))] as const;

/** The body of the message. */
export function helloBody(parts: HelloParts = {}): Uint8Array {
  const { version = 0x0303, sessionId = new Uint8Array(0), suites = numbers(2, 0x1301) } = parts;
  const { compressions = Uint8Array.of(0), behind = new Uint8Array(0) } = parts;
  const extensions = "extensions" in parts ? parts.extensions : [serverName("a.example")];
  return Buffer.concat([
    numbers(2, version),
    new Uint8Array(32).fill(7),
    vector(1, sessionId),
    vector(2, suites),
    vector(1, compressions),
    ...(extensions === undefined
      ? []
      : [vector(2, ...extensions.map(([type, data]) => Buffer.concat([numbers(2, type), vector(2, data)])))]),
    behind,
  ]);
}

/** One record that holds the whole message. */
export function helloRecord(parts: HelloParts = {}): Uint8Array {
  return record(vector3(helloBody(parts)));
}

/** The message: its kind, its length, its body. */
export function vector3(body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(1), vector(3, body)]);
}

export function record(content: Uint8Array, type = 0x16): Uint8Array {
  return Buffer.concat([Uint8Array.of(type, 3, 1), vector(2, content)]);
}

/** A hello whose message body has exactly so many bytes. */
export function helloOfSize(size: number): Uint8Array {
  const padding = size - helloBody({ extensions: [serverName("a.example"), [21, new Uint8Array(0)]] }).length;
  return helloBody({ extensions: [serverName("a.example"), [21, new Uint8Array(padding)]] });
}

/** A message in as many records as it takes. */
export function inRecords(message: Uint8Array, size = 16_384): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += size) records.push(record(message.subarray(at, at + size)));
  return Buffer.concat(records);
}
