/** Clients by UDP at one address: each datagram is answered at once or forwarded. */
import type { DatagramEvents, DatagramSocket } from "../../../lib/net/datagrams.ts";
import type { DnsQuery } from "../../../lib/wire/dns.ts";
import { udpSize, type Answerer, type Client } from "./answerer.ts";
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
  /** Who asks now. */
  readonly #client: Client = { transport: "udp", ip: "", port: 0 };

  constructor(parts: SideParts) {
    this.parts = parts;
  }

  datagram(bytes: Buffer, port: number, ip: string): void {
    const { answerer, forwarder, counts, allowed } = this.parts;
    if (allowed !== undefined && !allowed(ip)) {
      counts.dropped.stranger++;
      return;
    }
    if (forwarder?.isAsking(port, bytes)) {
      counts.dropped.loop++;
      this.parts.looped();
      return;
    }
    const client = this.#client;
    client.ip = ip;
    client.port = port;
    const answer = answerer.answer(bytes, client);
    if (answer instanceof Uint8Array) this.send(answer, port, ip);
    else if (answer !== undefined) forwarder?.forward(bytes, answer.query, new UdpAsker(this, ip, port, answer.ifReal));
  }

  send(answer: Uint8Array, port: number, ip: string): void {
    if (this.closed || this.socket.reply(answer, port, ip) !== undefined) this.parts.counts.dropped.unsendable++;
  }

  close(): void {
    this.closed = true;
    this.socket.close();
  }
}

class UdpAsker implements Asker, Client {
  readonly transport = "udp";
  readonly ip: string;
  readonly port: number;
  readonly #side: UdpSide;
  readonly #ifReal: boolean;

  constructor(side: UdpSide, ip: string, port: number, ifReal: boolean) {
    this.#side = side;
    this.ip = ip;
    this.port = port;
    this.#ifReal = ifReal;
  }

  answered(answer: Uint8Array, bytes: Uint8Array, query: DnsQuery): void {
    const { answerer } = this.#side.parts;
    const { ip, port } = this;
    const said = this.#ifReal ? answerer.standIn(answer, bytes, query, this) : answer;
    this.#side.send(said.length <= udpSize(query) ? said : answerer.truncated(bytes, query), port, ip);
  }
}
