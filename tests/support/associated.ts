/** A SOCKS5 client with a UDP association, its bytes written by hand after RFC 1928. Uses no code of the product, asserts nothing. */
import type { Socket as UdpSocket } from "node:dgram";
import { createConnection, isIP, type Socket } from "node:net";
import { udpSocket } from "./udp-socket.ts";
import { until } from "./until.ts";

export interface Received {
  /** As the header names it, e.g. `127.0.0.1:53`. */
  from: string;
  header: Buffer;
  data: Buffer;
}

export interface AssociateOptions {
  /** Where the proxy listens; default 127.0.0.1. */
  host?: string;
  /** Where the client connects and sends from. */
  from?: string;
  /** DST.ADDR and DST.PORT of the request: `self` is the address and port that datagrams will come from. */
  announce?: "self" | Uint8Array;
}

/** What the proxy said to the request; the association is open where `code` is 0. */
export class Associated {
  readonly code: number;
  readonly relay: { ip: string; port: number };
  readonly received: Received[] = [];
  /** Of the connection that holds the association. */
  closed = false;
  readonly tcp: Socket;
  readonly udp: UdpSocket;

  private constructor(tcp: Socket, udp: UdpSocket, reply: Buffer) {
    this.tcp = tcp;
    this.udp = udp;
    this.code = reply[1]!;
    const [ip, port] = addressAt(reply, 3);
    this.relay = { ip, port };
    udp.on("message", (message: Buffer) => {
      const [from, port, end] = addressAt(message, 3);
      const text = from.includes(":") ? `[${from}]:${port}` : `${from}:${port}`;
      this.received.push({ from: text, header: message.subarray(0, end), data: message.subarray(end) });
    });
    tcp.on("close", () => (this.closed = true));
    tcp.resume();
  }

  static async open(port: number, { host = "127.0.0.1", from = host, announce }: AssociateOptions = {}) {
    const udp = await udpSocket(from);
    const tcp = createConnection({ host, port, localAddress: from, allowHalfOpen: true });
    tcp.on("error", () => {});
    const self = () =>
      Buffer.concat([Uint8Array.of(isIP(from) === 6 ? 4 : 1), addressBytes(from), portBytes(udp.address().port)]);
    const nothing = Buffer.from("01000000000000", "hex");
    const source = announce === "self" ? self() : (announce ?? nothing);
    tcp.write(Buffer.concat([Uint8Array.of(5, 1, 0, 5, 3, 0), source]));
    let reply = Buffer.alloc(0);
    const whole = () => reply.length >= 7 && reply.length >= 2 + (reply[5] === 4 ? 22 : 10);
    tcp.on("data", (chunk: Buffer) => (reply = Buffer.concat([reply, chunk])));
    await until("the answer to UDP ASSOCIATE", () => whole() || (tcp.closed && "closed"));
    tcp.removeAllListeners("data");
    return new Associated(tcp, udp, reply.subarray(2));
  }

  /** Sends `data` to `host:port` behind a header of RFC 1928 section 7; over `socket` if not the association's own. */
  async send(host: string, port: number, data: Uint8Array | string, socket = this.udp): Promise<void> {
    await this.sendRaw(Buffer.concat([datagramHeader(host, port), Buffer.from(data)]), socket);
  }

  async sendRaw(bytes: Uint8Array, socket = this.udp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      socket.send(bytes, this.relay.port, this.relay.ip, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Waits for a datagram with this text. */
  answer(text: string): Promise<Received> {
    return until(
      () => `${JSON.stringify(text)} among ${JSON.stringify(this.received.map(({ data }) => data.toString()))}`,
      () => this.received.find(({ data }) => data.toString() === text),
    );
  }

  close(): void {
    this.tcp.destroy();
    this.udp.close();
  }
}

/** `RSV RSV FRAG ATYP DST.ADDR DST.PORT`. */
export function datagramHeader(host: string, port: number): Buffer {
  const family = isIP(host);
  const name = Buffer.from(host);
  const address =
    family === 0
      ? Buffer.concat([Uint8Array.of(3, name.length), name])
      : Buffer.concat([Uint8Array.of(family === 4 ? 1 : 4), addressBytes(host)]);
  return Buffer.concat([Uint8Array.of(0, 0, 0), address, portBytes(port)]);
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 255);
}

/** With at most one `::`. */
function addressBytes(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split(".").map(Number));
  const [left, right] = text.split("::").map((half) => half.split(":").filter(Boolean)) as [string[], string[]?];
  const zeros = Array<string>(8 - left.length - (right?.length ?? 0)).fill("0");
  return Buffer.from([...left, ...zeros, ...(right ?? [])].map((word) => word.padStart(4, "0")).join(""), "hex");
}

/** The address and port behind an address type at `at`, and where they end. IPv6 is written out, `::1` excepted. */
function addressAt(bytes: Buffer, at: number): [ip: string, port: number, end: number] {
  const length = bytes[at] === 4 ? 16 : 4;
  const end = at + 1 + length + 2;
  const address = bytes.subarray(at + 1, at + 1 + length);
  const groups = Array.from({ length: 8 }, (_, i) => (length === 4 ? "" : address.readUInt16BE(i * 2).toString(16)));
  const ip = length === 4 ? address.join(".") : groups.join(":").replace(/^0:0:0:0:0:0:0:1$/, "::1");
  return [ip, bytes.length < end ? 0 : bytes.readUInt16BE(end - 2), end];
}
