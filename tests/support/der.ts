/** Writes DER for tests: elements from tags and parts, and certificates of which single parts can be replaced. Reads nothing. */

export type Part = Uint8Array | readonly number[] | string;

/** An element with a definite length in the shortest form; a text is written as UTF-8. */
export function der(tag: number, ...parts: Part[]): Uint8Array {
  const content = join(...parts);
  const { length } = content;
  if (length < 0x80) return join([tag, length], content);
  const bytes = [length >> 16, (length >> 8) & 255, length & 255];
  while (bytes[0] === 0) bytes.shift();
  return join([tag, 0x80 | bytes.length, ...bytes], content);
}

export function join(...parts: Part[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part])),
  );
}

export const sequence = (...parts: Part[]): Uint8Array => der(0x30, ...parts);

export function oid(text: string): Uint8Array {
  const [first, second, ...rest] = text.split(".").map(Number) as [number, number, ...number[]];
  return der(0x06, [first * 40 + second, ...rest].flatMap(base128));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}

/** One relative name of one attribute. */
export const rdn = (type: string, value: Part, tag = 0x0c): Uint8Array =>
  der(0x31, sequence(oid(type), der(tag, value)));

export const commonName = (value: Part, tag = 0x0c): Uint8Array => rdn("2.5.4.3", value, tag);

export function extension(id: string, value: Uint8Array, critical: Part = []): Uint8Array {
  return sequence(oid(id), critical, der(0x04, value));
}

/** The subjectAltName extension of names that were made with `der`. */
export const altNames = (...names: Uint8Array[]): Uint8Array => extension("2.5.29.17", sequence(...names));

const ALGORITHM = sequence(oid("1.2.840.10045.4.3.2"));
const KEY = sequence(sequence(oid("1.3.101.112")), der(0x03, [0], new Uint8Array(32)));

export interface CertificateParts {
  /** With its tag `[0]`; empty is version 1. */
  version?: Part;
  serial?: Part;
  algorithm?: Part;
  issuer?: Part;
  notBefore?: Part;
  notAfter?: Part;
  subject?: Part;
  key?: Part;
  /** Between the key and the extensions. */
  unique?: Part;
  extensions?: Uint8Array[];
  behind?: Part;
}

/** A certificate that is signed by nobody. */
export function certificate(parts: CertificateParts = {}): Uint8Array {
  const { extensions } = parts;
  const body = sequence(
    parts.version ?? der(0xa0, der(0x02, [2])),
    parts.serial ?? der(0x02, [1]),
    parts.algorithm ?? ALGORITHM,
    sequence(parts.issuer ?? commonName("an issuer")),
    sequence(parts.notBefore ?? der(0x17, "250102030405Z"), parts.notAfter ?? der(0x17, "350102030405Z")),
    sequence(parts.subject ?? commonName("a subject")),
    parts.key ?? KEY,
    parts.unique ?? [],
    extensions === undefined ? [] : der(0xa3, sequence(...extensions)),
    parts.behind ?? [],
  );
  return sequence(body, ALGORITHM, der(0x03, [0, 1, 2, 3]));
}
