/** A client of HTTP/2 proxies that costs little: one connection, tunnels by CONNECT, frames written by hand. Measures nothing itself. */
import type { Socket } from "bun";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const HEAD = 9;
/** Of each stream and of the connection: more than any tunnel has under way. */
const WINDOW = 4 * 1024 * 1024;
const ALL = 1024 * 1024 * 1024;

export interface TunnelEvents {
  opened(tunnel: Http2Tunnel, status: string): void;
  data(tunnel: Http2Tunnel, length: number): void;
  /** The peer ended it, or reset it. */
  ended(tunnel: Http2Tunnel): void;
}

export interface Http2Tunnel {
  readonly id: number;
  /** A stalled one gives no window back. */
  stalled: boolean;
  received: number;
  unread: number;
  events: TunnelEvents;
}

export class Http2Load {
  readonly #tunnels = new Map<number, Http2Tunnel>();
  #socket!: Socket<Http2Load>;
  #held: Buffer = Buffer.alloc(0);
  #left = 0;
  #tunnel: Http2Tunnel | undefined;
  #ends = false;
  #unread = 0;
  #next = 1;
  #queue: Buffer[] = [];

  static async open(port: number): Promise<Http2Load> {
    const load = new Http2Load();
    load.#socket = await Bun.connect<Http2Load>({
      hostname: "127.0.0.1",
      port,
      data: load,
      socket: {
        data: (_, chunk) => load.#take(chunk),
        drain: () => load.#flush(),
        close: () => load.#closed(),
        error() {},
      },
    });
    const settings = Buffer.from([0, 4, 0, 0, 0, 0]);
    settings.writeUInt32BE(WINDOW, 2);
    load.#write(Buffer.concat([PREFACE, frame(4, 0, 0, settings), windowUpdate(0, ALL)]));
    return load;
  }

  connect(authority: string, events: TunnelEvents): Http2Tunnel {
    const tunnel = { id: this.#next, stalled: false, received: 0, unread: 0, events };
    this.#next += 2;
    this.#tunnels.set(tunnel.id, tunnel);
    const fields = Buffer.concat([literal(2, "CONNECT"), literal(1, authority)]);
    this.#write(frame(1, 4, tunnel.id, fields));
    return tunnel;
  }

  send({ id }: Http2Tunnel, text: Uint8Array, ends = false): void {
    this.#write(frame(0, ends ? 1 : 0, id, text));
  }

  close(): void {
    this.#tunnels.clear();
    this.#socket.terminate();
  }

  #closed(): void {
    for (const tunnel of this.#tunnels.values()) tunnel.events.ended(tunnel);
    this.#tunnels.clear();
  }

  #write(bytes: Buffer): void {
    this.#queue.push(bytes);
    if (this.#queue.length === 1) this.#flush();
  }

  #flush(): void {
    while (this.#queue.length > 0) {
      const all = this.#queue.length === 1 ? this.#queue[0]! : Buffer.concat(this.#queue);
      const taken = Math.max(0, this.#socket.write(all));
      this.#queue = taken < all.length ? [all.subarray(taken)] : [];
      if (taken < all.length) return;
    }
  }

  #take(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const length = Math.min(this.#left, bytes.length - at);
        this.#left -= length;
        at += length;
        this.#got(length);
        continue;
      }
      if (bytes.length - at < HEAD) break;
      const length = bytes.readUIntBE(at, 3);
      const type = bytes[at + 3]!;
      const flags = bytes[at + 4]!;
      const tunnel = this.#tunnels.get(bytes.readUInt32BE(at + 5));
      if (type === 0) {
        at += HEAD;
        this.#left = length;
        this.#tunnel = tunnel;
        this.#ends = (flags & 1) !== 0;
        if (length === 0) this.#got(0);
        continue;
      }
      if (bytes.length - at < HEAD + length) break;
      this.#control(type, flags, tunnel, bytes.subarray(at + HEAD, at + HEAD + length));
      at += HEAD + length;
    }
    this.#held = at < bytes.length ? Buffer.from(bytes.subarray(at)) : Buffer.alloc(0);
  }

  #got(length: number): void {
    this.#unread += length;
    if (this.#unread > ALL / 2) {
      this.#write(windowUpdate(0, this.#unread));
      this.#unread = 0;
    }
    const tunnel = this.#tunnel;
    if (tunnel === undefined) return;
    tunnel.received += length;
    tunnel.unread += length;
    if (tunnel.unread > WINDOW / 2 && !tunnel.stalled) {
      this.#write(windowUpdate(tunnel.id, tunnel.unread));
      tunnel.unread = 0;
    }
    if (length > 0) tunnel.events.data(tunnel, length);
    if (this.#ends && this.#left === 0) this.#end(tunnel);
  }

  #control(type: number, flags: number, tunnel: Http2Tunnel | undefined, payload: Buffer): void {
    if (type === 4 && (flags & 1) === 0) this.#write(frame(4, 1, 0, Buffer.alloc(0)));
    else if (type === 6 && (flags & 1) === 0) this.#write(frame(6, 1, 0, payload));
    else if (tunnel === undefined) return;
    else if (type === 1) tunnel.events.opened(tunnel, statusOf(payload));
    else if (type === 3) this.#end(tunnel);
    if (type === 1 && (flags & 1) !== 0 && tunnel !== undefined) this.#end(tunnel);
  }

  #end(tunnel: Http2Tunnel): void {
    this.#tunnels.delete(tunnel.id);
    tunnel.events.ended(tunnel);
  }
}

/** Enough of HPACK to tell a 200, which every server writes as index 8, from all else. */
function statusOf(block: Buffer): string {
  // A change of the table's size may stand in front.
  const at = (block[0]! & 0xe0) === 0x20 ? 1 : 0;
  return block[at] === 0x88 || block.includes(0x88) ? "200" : "other";
}

function literal(index: number, value: string): Buffer {
  return Buffer.concat([Buffer.of(index, value.length), Buffer.from(value)]);
}

function windowUpdate(stream: number, more: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(more);
  return frame(8, 0, stream, payload);
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
