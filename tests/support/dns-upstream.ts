/** A resolver whose every reply is the test's, by UDP and TCP at one port of 127.0.0.1; and a client that asks. */
import { createServer, connect, type Socket as TcpSocket } from "node:net";
import type { Socket } from "node:dgram";
import { freePort } from "./free-port.ts";
import { udpSocket } from "./udp-socket.ts";

export interface Asked {
  query: Buffer;
  transport: "udp" | "tcp";
  port: number;
  /** Sends it to who asked; by TCP with its length before it. */
  reply(message: Buffer): void;
  /** Ends a TCP connection from its side. */
  hangUp(): void;
}

export class DnsUpstream {
  readonly asked: Asked[] = [];
  readonly #udp: Socket;
  readonly #tcp: ReturnType<typeof createServer>;
  readonly port: number;

  private constructor(udp: Socket, tcp: ReturnType<typeof createServer>) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = udp.address().port;
  }

  /** `answer` is told of each question; without it there is silence. */
  static async open(answer: (asked: Asked) => void = () => {}): Promise<DnsUpstream> {
    const port = freePort();
    const udp = await udpSocket("127.0.0.1", port);
    const told = (asked: Asked) => {
      upstream.asked.push(asked);
      answer(asked);
    };
    const tcp = createServer((socket) => {
      socket.on("error", () => {});
      const reply = (message: Buffer) => void socket.write(framed(message));
      const hangUp = () => void socket.end();
      readFrames(socket, (query) => told({ query, transport: "tcp", port: socket.remotePort!, reply, hangUp }));
    });
    await new Promise<void>((resolve, reject) => tcp.once("error", reject).listen(port, "127.0.0.1", resolve));
    const upstream = new DnsUpstream(udp, tcp);
    udp.on("message", (query, from) =>
      told({ query, transport: "udp", port: from.port, reply: (message) => udp.send(message, from.port), hangUp() {} }),
    );
    return upstream;
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }
}

export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function readFrames(socket: TcpSocket, told: (message: Buffer) => void): void {
  let held = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      told(held.subarray(2, end));
      held = held.subarray(end);
    }
  });
}

/** One answer by UDP to `message`; undefined where none comes within `patience` milliseconds. */
export async function askUdp(port: number, message: Buffer, patience = 8000): Promise<Buffer | undefined> {
  const socket = await udpSocket();
  const answer = Promise.withResolvers<Buffer | undefined>();
  socket.once("message", answer.resolve);
  const timer = setTimeout(answer.resolve, patience);
  socket.send(message, port, "127.0.0.1");
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** A connection to a resolver, and what came of it. */
export class DnsConnection {
  readonly messages: Buffer[] = [];
  ended = false;
  readonly socket: TcpSocket;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("error", () => {});
    this.socket.on("end", () => (this.ended = true));
    this.socket.on("close", () => (this.ended = true));
    readFrames(this.socket, (message) => this.messages.push(message));
  }
}
