/** Clients by UDP at one address: each datagram is answered at once or forwarded. */
import type { DatagramEvents, DatagramSocket } from "../../../lib/net/datagrams.ts";
import { isLocal } from "../../../lib/net/own-listeners.ts";
import type { DnsQuery } from "../../../lib/wire/dns.ts";
import { parseIp } from "../../../lib/wire/ip.ts";
import { udpSize, type Answerer } from "./answerer.ts";
import type { StubCounts } from "./counts.ts";
import type { Asker, Forwarder } from "./forwarder.ts";

export interface SideParts {
  answerer: Answerer;
  /** Undefined where nothing is forwarded: then the answerer gives nothing back. */
  forwarder: Forwarder | undefined;
  counts: StubCounts;
  /** Whether a client may ask, by its address; undefined where everybody may who reaches it. */
  allowed: ((ip: string) => boolean) | undefined;
  /** Is told, once in a while, that our own questions come back to us. */
  looped(): void;
}

export class UdpSide implements DatagramEvents {
  socket!: DatagramSocket;
  closed = false;
  readonly parts: SideParts;

  constructor(parts: SideParts) {
    this.parts = parts;
  }

  datagram(bytes: Buffer, port: number, ip: string): void {
    const { answerer, forwarder, counts, allowed } = this.parts;
    if (allowed !== undefined && !allowed(ip)) {
      counts.dropped.stranger++;
      return;
    }
    if (forwarder?.owns(port) && isOurs(ip)) {
      counts.dropped.loop++;
      this.parts.looped();
      return;
    }
    const answer = answerer.answer(bytes, "udp", ip, port);
    if (answer instanceof Uint8Array) this.send(answer, port, ip);
    else if (answer !== undefined) forwarder?.forward(bytes, answer, new UdpAsker(this, port, ip));
  }

  send(answer: Uint8Array, port: number, ip: string): void {
    if (this.closed || this.socket.reply(answer, port, ip) !== undefined) this.parts.counts.dropped.unsendable++;
  }

  close(): void {
    this.closed = true;
    this.socket.close();
  }
}

function isOurs(text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && isLocal(ip);
}

class UdpAsker implements Asker {
  readonly transport = "udp";
  readonly #side: UdpSide;
  readonly #port: number;
  readonly #ip: string;

  constructor(side: UdpSide, port: number, ip: string) {
    this.#side = side;
    this.#port = port;
    this.#ip = ip;
  }

  answered(answer: Uint8Array, bytes: Uint8Array, query: DnsQuery): void {
    const fits = answer.length <= udpSize(query);
    this.#side.send(fits ? answer : this.#side.parts.answerer.truncated(bytes, query), this.#port, this.#ip);
  }
}
