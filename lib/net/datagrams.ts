/** UDP sockets: the one way that the rest of the program sees them, as `Conn` is of streams. Knows no protocol and no policy. */

/** Receives what comes. */
export interface DatagramEvents {
  /** `ip` is text as inet_ntop(3) has it. The bytes are the receiver's. */
  datagram(bytes: Buffer, port: number, ip: string): void;
}

/** Where a datagram is to go. */
export interface DatagramPeer {
  readonly ip: string;
  readonly port: number;
}

export interface DatagramSocket {
  readonly port: number;
  /**
   * Never waits, and keeps nothing of `bytes`. Undefined where the system has taken them; else the name of its error:
   * `EAGAIN` where its buffer is full, `EMSGSIZE` for more than a datagram holds.
   */
  send(bytes: Uint8Array, to: DatagramPeer): string | undefined;
  close(): void;
}

/** Bound to a port of `ip` that the system chooses. Rejects with the system's error, which has a `code`. */
export async function openDatagrams(ip: string, events: DatagramEvents): Promise<DatagramSocket> {
  const socket = await Bun.udpSocket({
    hostname: ip,
    socket: {
      data: (_socket, bytes, port, from) => events.datagram(bytes, port, from),
      // That a peer is not there (ICMP) is nothing that the sender of a datagram is told.
      error() {},
    },
  });
  const attempt = (bytes: Uint8Array, { port, ip: to }: DatagramPeer): string | undefined => {
    try {
      return socket.send(bytes, port, to) ? undefined : "EAGAIN";
    } catch (error) {
      return (error as { code?: string }).code ?? "EIO";
    }
  };
  return {
    port: socket.port,
    send(bytes, to) {
      const failure = attempt(bytes, to);
      // The system also says so, once, what became of an earlier datagram, to whomever.
      return failure === undefined || failure === "EAGAIN" || failure === "EMSGSIZE" ? failure : attempt(bytes, to);
    },
    close: () => socket.close(),
  };
}
