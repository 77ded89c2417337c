/** A DNS server on a UDP port of 127.0.0.1 that answers from a table and keeps every question. Messages after RFC 1035. */
import { udpSocket } from "../support/udp-socket.ts";

/** What a name has: one list of addresses for each time that it is asked; the last one stays. */
export type Zone = Readonly<Record<string, readonly (readonly string[])[]>>;

interface Question {
  name: string;
  type: "A" | "AAAA" | number;
}

export interface DnsServer {
  /** For `--resolver`. */
  readonly address: string;
  readonly questions: Question[];
  asked(name: string, type?: "A" | "AAAA"): number;
  close(): void;
}

const TYPES: Readonly<Record<number, "A" | "AAAA">> = { 1: "A", 28: "AAAA" };

/** Names that the zone lacks do not exist (NXDOMAIN); `silent` names get no answer at all. */
export async function startDns(zone: Zone, silent: readonly string[] = []): Promise<DnsServer> {
  const questions: Question[] = [];
  const socket = await udpSocket();
  const asked = (name: string, type?: string) =>
    questions.filter((one) => one.name === name && (type === undefined || one.type === type)).length;
  socket.on("message", (message, from) => {
    const { name, end, code } = readQuestion(message);
    const type = TYPES[code] ?? code;
    questions.push({ name, type });
    if (silent.includes(name)) return;
    const answers = zone[name];
    const set = answers?.[Math.min(asked(name, String(type)), answers.length) - 1] ?? [];
    const wanted = set.filter((address) => (type === "AAAA") === address.includes(":"));
    socket.send(answer(message, end, code, answers === undefined ? undefined : wanted), from.port, from.address);
  });
  return { address: `127.0.0.1:${socket.address().port}`, questions, asked, close: () => void socket.close() };
}

function readQuestion(message: Buffer): { name: string; end: number; code: number } {
  const labels: string[] = [];
  let at = 12;
  while (message[at] !== 0) {
    const length = message[at]!;
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 5, code: message.readUInt16BE(at + 1) };
}

function answer(query: Buffer, end: number, code: number, addresses: readonly string[] | undefined): Buffer {
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180 | (addresses === undefined ? 3 : 0), 2);
  head.writeUInt16BE(addresses?.length ?? 0, 6);
  head.writeUInt32BE(0, 8);
  const records = (addresses ?? []).map((address) => {
    const data = address.includes(":") ? ipv6Bytes(address) : Buffer.from(address.split(".").map(Number));
    const fixed = Buffer.alloc(12);
    fixed.writeUInt16BE(0xc00c, 0);
    fixed.writeUInt16BE(code, 2);
    fixed.writeUInt16BE(1, 4);
    fixed.writeUInt16BE(data.length, 10);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([head, ...records]);
}

function ipv6Bytes(text: string): Buffer {
  const [head = "", tail] = text.split("::");
  const words = (part: string) => (part === "" ? [] : part.split(":").map((word) => parseInt(word, 16)));
  const first = words(head);
  const last = tail === undefined ? [] : words(tail);
  const groups = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
  return Buffer.from(groups.flatMap((word) => [word >> 8, word & 255]));
}
