/** DNS messages for tests: written as a client writes them, read strictly and whole. Shares nothing with the program's own codec. */

export interface QueryOptions {
  id?: number;
  /** Of the header's second word; RD where it is left out. */
  flags?: number;
  type?: number;
  class?: number;
  /** Adds OPT: the size, and what stands in the place of a TTL (extended rcode, version, DO). */
  edns?: { size: number; ttl?: number; options?: Uint8Array };
}

/** A question about `name`, whose labels are its parts between dots. */
export function dnsQuery(name: string, options: QueryOptions = {}): Buffer {
  const { id = 0x1234, flags = 0x0100, type = 1, class: cls = 1, edns } = options;
  const head = words(id, flags, 1, 0, 0, edns === undefined ? 0 : 1);
  const opt = edns && opted(edns.size, edns.ttl ?? 0, edns.options ?? new Uint8Array(0));
  return Buffer.concat([head, dnsName(name), words(type, cls), ...(opt ? [opt] : [])]);
}

function opted(size: number, ttl: number, options: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0), words(41, size, ttl >>> 16, ttl & 0xffff, options.length), options]);
}

export function words(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) out.writeUInt16BE(value, i * 2);
  return out;
}

export function dnsName(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label, "latin1")]),
    Buffer.of(0),
  ]);
}

interface DnsRecord {
  name: string;
  type: number;
  class: number;
  ttl: number;
  data: Buffer;
}

export interface DnsMessage {
  id: number;
  flags: number;
  rcode: number;
  questions: { name: string; type: number; class: number }[];
  answers: DnsRecord[];
  authority: DnsRecord[];
  additional: DnsRecord[];
}

/** Throws for anything that is not one whole message. Names as they are written, case and all. */
export function parseDns(bytes: Buffer): DnsMessage {
  let at = 12;
  const read = (count: number): DnsRecord[] =>
    Array.from({ length: count }, () => {
      const name = readName(bytes, at);
      at = name.end + 10;
      const [type, cls, length] = [bytes.readUInt16BE(at - 10), bytes.readUInt16BE(at - 8), bytes.readUInt16BE(at - 2)];
      const ttl = bytes.readUInt32BE(at - 6);
      at += length;
      if (at > bytes.length) throw new Error("a record is longer than the message");
      return { name: name.text, type, class: cls, ttl, data: bytes.subarray(at - length, at) };
    });
  const flags = bytes.readUInt16BE(2);
  const questions = Array.from({ length: bytes.readUInt16BE(4) }, () => {
    const name = readName(bytes, at);
    at = name.end + 4;
    return { name: name.text, type: bytes.readUInt16BE(at - 4), class: bytes.readUInt16BE(at - 2) };
  });
  const answers = read(bytes.readUInt16BE(6));
  const authority = read(bytes.readUInt16BE(8));
  const additional = read(bytes.readUInt16BE(10));
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes are left`);
  return { id: bytes.readUInt16BE(0), flags, rcode: flags & 15, questions, answers, authority, additional };
}

function readName(bytes: Buffer, start: number): { text: string; end: number } {
  const labels: string[] = [];
  let [at, end, jumps] = [start, 0, 0];
  for (;;) {
    const length = bytes.readUInt8(at);
    if (length === 0) return { text: labels.join("."), end: end || at + 1 };
    if (length >= 0xc0) {
      if (++jumps > 100) throw new Error("a name goes in a circle");
      end ||= at + 2;
      at = bytes.readUInt16BE(at) & 0x3fff;
    } else if (length > 63) throw new Error("a label of no known kind");
    else {
      labels.push(bytes.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
}

/** A reply to `query`, which has one question and no other records than OPT: with these answers to it. */
export function dnsReply(
  query: Buffer,
  answers: readonly { type: number; data: Uint8Array; ttl?: number }[],
  { rcode = 0, flags = 0 }: { rcode?: number; flags?: number } = {},
): Buffer {
  const end = readName(query, 12).end + 4;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180 | flags | rcode, 2);
  head.writeUInt16BE(answers.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  const records = answers.map(({ type, data, ttl = 60 }) =>
    Buffer.concat([words(0xc00c, type, 1, ttl >>> 16, ttl & 0xffff, data.length), data]),
  );
  return Buffer.concat([head, ...records]);
}
