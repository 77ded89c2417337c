/** A DNS server on loopback that knows a few names and remembers who was asked for. Knows no other record than A and AAAA. */
import type { Scene } from "./scene.ts";
import { udpSocket } from "./udp-socket.ts";

export interface Names {
  /** For `--resolver`. */
  address: string;
  /** Names that were asked for, in lower case. */
  asked: string[];
}

const TYPES: Record<number, number | undefined> = { 1: 4, 28: 16 };

/** Answers for the names of `zone`; any other does not exist. */
export async function openNames(scene: Scene, zone: Record<string, readonly string[]>): Promise<Names> {
  const asked: string[] = [];
  const socket = await udpSocket();
  socket.on("message", (query, from) => {
    const { name, type, end } = question(query);
    asked.push(name);
    const addresses = zone[name];
    const length = TYPES[type];
    const records = (addresses ?? [])
      .map(addressBytes)
      .filter((bytes) => bytes.length === length)
      .map((bytes) => Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length]), bytes]));
    const header = Buffer.alloc(12);
    header.writeUInt16BE(query.readUInt16BE(0), 0);
    header.writeUInt16BE(addresses === undefined ? 0x8583 : 0x8580, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), from.port, from.address);
  });
  scene.defer(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

/** RFC 1035 section 4.1.2; a query's names are not compressed. */
function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at]! > 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]!));
    at += 1 + query[at]!;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The bytes of an address as text, with at most one `::`. */
function addressBytes(text: string): Buffer {
  if (!text.includes(":")) return Buffer.from(text.split(".").map(Number));
  const [left, right] = text.split("::").map((half) => half.split(":").filter(Boolean)) as [string[], string[]?];
  const zeros = Array<string>(8 - left.length - (right?.length ?? 0)).fill("0");
  return Buffer.from([...left, ...zeros, ...(right ?? [])].map((word) => word.padStart(4, "0")).join(""), "hex");
}
