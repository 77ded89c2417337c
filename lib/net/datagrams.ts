/** UDP sockets: the one way that the rest of the program sees them, as `Conn` is of streams. Knows no protocol and no policy. */
import { sendDatagram, socketAddress } from "../ffi/send-datagram.ts";
import { widenReceiveBuffer } from "../ffi/socket-buffer.ts";
import { socketFilter } from "../ffi/socket-filter.ts";
import { parseIp } from "../wire/ip.ts";

/** Receives what comes. */
export interface DatagramEvents {
  /** `ip` is text as inet_ntop(3) has it. The bytes are the receiver's. */
  datagram(bytes: Buffer, port: number, ip: string): void;
  /** Of a connected socket: its peer's machine says that nobody is at the port. */
  refused?(): void;
}

interface DatagramOptions {
  /** Without it the system chooses one. */
  port?: number;
  /** The only peer: what others send is not received. */
  connect?: { ip: string; port: number };
  /** Keeps, for its next turn, what a flood brings beyond its share, until that is too much; then the system drops it. */
  patient?: boolean;
  /** Done to the descriptor before anything is sent. */
  prepare?(fd: number): void;
}

/** Where a datagram is to go. */
export interface DatagramPeer {
  readonly ip: string;
  readonly port: number;
  /** The same as the system has it; kept here by who sends to it. */
  address?: Uint8Array | undefined;
}

export interface DatagramSocket {
  readonly port: number;
  /**
   * Never waits, and keeps nothing of `bytes`. Undefined where the system has taken them; else the name of its error:
   * `EAGAIN` where its buffer is full, `EMSGSIZE` for more than a datagram holds.
   */
  send(bytes: Uint8Array, to: DatagramPeer): string | undefined;
  /** The same, to where a datagram came from. */
  reply(bytes: Uint8Array, port: number, ip: string): string | undefined;
  close(): void;
}

/** Bound to `ip`. Rejects with the system's error, which has a `code`. */
export async function openDatagrams(
  ip: string,
  events: DatagramEvents,
  { port = 0, connect, patient = false, prepare }: DatagramOptions = {},
): Promise<DatagramSocket> {
  const pause = new Pause(events, patient ? MOST_KEPT : 0);
  const socket = await Bun.udpSocket({
    hostname: ip,
    port,
    ...(connect && { connect: { hostname: connect.ip, port: connect.port } }),
    socket: {
      data(_socket, bytes, port, from) {
        if (pause.isOver) pause.keep(bytes, port, from);
        else {
          pause.count();
          events.datagram(bytes, port, from);
        }
      },
      // That a peer is not there (ICMP) is nothing that who sends to many is told.
      error() {
        if (connect !== undefined) events.refused?.();
      },
    },
  } as Bun.udp.SocketOptions<"buffer">);
  pause.fd = (socket as { fd?: number }).fd ?? -1;
  if (patient && pause.fd >= 0) widenReceiveBuffer(pause.fd, PATIENT_BUFFER);
  prepare?.(pause.fd);
  return new NativeDatagrams(socket, pause);
}

/** Addresses of peers that are kept in the system's form. */
const MOST_KNOWN = 1024;

class NativeDatagrams implements DatagramSocket {
  readonly port: number;
  readonly #known = new Map<string, Uint8Array>();
  readonly #peer: { ip: string; port: number; address: Uint8Array | undefined } = {
    ip: "",
    port: 0,
    address: undefined,
  };
  readonly #socket: Bun.udp.Socket<"buffer">;
  readonly #pause: Pause;

  constructor(socket: Bun.udp.Socket<"buffer">, pause: Pause) {
    this.port = socket.port;
    this.#socket = socket;
    this.#pause = pause;
  }

  send(bytes: Uint8Array, to: DatagramPeer): string | undefined {
    if (this.#sent(bytes, to)) return undefined;
    const failure = this.#attempt(bytes, to);
    // The system also says so, once, what became of an earlier datagram, to whomever.
    return failure === undefined || failure === "EAGAIN" || failure === "EMSGSIZE" ? failure : this.#attempt(bytes, to);
  }

  reply(bytes: Uint8Array, port: number, ip: string): string | undefined {
    const peer = this.#peer;
    peer.ip = ip;
    peer.port = port;
    peer.address = this.#known.get(ip);
    if (peer.address !== undefined) {
      peer.address[2] = port >> 8;
      peer.address[3] = port & 255;
    } else if ((peer.address = addressOf(peer)) !== undefined) {
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.set(ip, peer.address);
    }
    return this.send(bytes, peer);
  }

  /** The short way, which the runtime's takes half as long again as. It does not tell why something was not sent. */
  #sent(bytes: Uint8Array, to: DatagramPeer): boolean {
    const send = sendDatagram();
    if (send === undefined || this.#pause.fd < 0) return false;
    to.address ??= addressOf(to);
    return to.address !== undefined && send(this.#pause.fd, bytes, to.address);
  }

  #attempt(bytes: Uint8Array, { port, ip }: DatagramPeer): string | undefined {
    try {
      return this.#socket.send(bytes, port, ip) ? undefined : "EAGAIN";
    } catch (error) {
      return (error as { code?: string }).code ?? "EIO";
    }
  }

  close(): void {
    this.#pause.fd = -1;
    this.#socket.close();
  }
}

function addressOf({ ip, port }: DatagramPeer): Uint8Array | undefined {
  const parsed = parseIp(ip);
  return parsed && socketAddress(parsed, port);
}

/** Datagrams after which it is seen whether the event loop has turned since as many before. */
const STRIDE = 256;
/**
 * Datagrams after which a patient socket is shut: more than clients have under way that wait for answers. Those that the
 * system holds by then come as well.
 */
const MOST_KEPT = 4096;
/** Bytes: some 5,000 small ones, held by the system. What it holds of itself is some 220, which one client's burst may be. */
const PATIENT_BUFFER = 4 * 1024 * 1024;

/**
 * Keeps a flood from one socket from being all that is done. The runtime hands out datagrams until none waits (seen with
 * Bun 1.4.5): if they come faster than they are dealt with, the event loop does not turn, and nobody else is served. So what
 * comes to a socket that has had its share is kept until the loop has turned. Where no more is kept the socket is shut; the
 * system drops what comes meanwhile, as it does with what its buffer does not hold.
 */
class Pause {
  /** Of the open socket, else -1. */
  fd = -1;
  /** It has had its share. */
  isOver = false;
  readonly #events: DatagramEvents;
  readonly #most: number;
  #kept: [bytes: Buffer, port: number, ip: string][] = [];
  #count = 0;
  #turned = true;
  #shut = false;

  constructor(events: DatagramEvents, most: number) {
    this.#events = events;
    this.#most = most;
  }

  count(): void {
    if (++this.#count % STRIDE !== 0) return;
    if (this.#turned) {
      this.#turned = false;
      setImmediate(() => this.#turn());
    } else if (this.#most > 0) this.isOver = true;
    else this.#shutIt();
  }

  keep(bytes: Buffer, port: number, ip: string): void {
    this.#kept.push([bytes, port, ip]);
    if (this.#kept.length >= this.#most) this.#shutIt();
  }

  #shutIt(): void {
    if (!this.#shut && this.fd >= 0) this.#shut = socketFilter()?.shut(this.fd) ?? false;
  }

  #turn(): void {
    const share = this.#kept.splice(0, STRIDE);
    for (const [bytes, port, ip] of share) if (this.fd >= 0) this.#events.datagram(bytes, port, ip);
    this.isOver = this.#kept.length > 0;
    this.#turned = !this.isOver;
    if (this.isOver) setImmediate(() => this.#turn());
    else if (this.#shut && this.fd >= 0) socketFilter()?.open(this.fd);
    this.#shut &&= this.isOver;
  }
}
