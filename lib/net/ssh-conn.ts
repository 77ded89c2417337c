/** A tunnel of an SSH connection as a `Conn`: a socket for each direction, so that each ends by itself, and one that keeps it open. */
import { IGNORE, type Conn, type ConnEvents, type SocketAddress } from "./conn.ts";
import type { NativeConn } from "./native-conn.ts";

interface SshEnds {
  /** What SSH writes to, what it reads from, and where it was asked: the tunnel goes when this one closes. */
  readonly input: NativeConn;
  readonly output: NativeConn;
  readonly control: NativeConn;
  /** Whether the SSH connection is still there. */
  isAlive(): boolean;
}

export class SshConn implements Conn {
  readonly tls = undefined;
  readonly remote: SocketAddress = { path: "" };
  readonly local: SocketAddress = { path: "" };
  closed = false;
  readonly #ends: SshEnds;
  #events: ConnEvents = IGNORE;
  #attached = false;
  #error: Error | undefined;
  #readEnded = false;
  #ending = false;
  #taken = false;

  constructor(ends: SshEnds) {
    this.#ends = ends;
    ends.control.attach(IGNORE);
  }

  get received(): number {
    return this.#ends.input.received;
  }

  get sent(): number {
    return this.#ends.output.sent;
  }

  get buffered(): number {
    return this.#ends.output.buffered;
  }

  attach(events: ConnEvents): void {
    this.#events = events;
    if (this.closed) {
      events.close(this.#error);
      return;
    }
    if (this.#attached) return;
    this.#attached = true;
    const { input, output } = this.#ends;
    input.attach({
      data: (chunk) => this.#events.data(chunk),
      drain() {},
      end: () => this.#onEnd(),
      close: (error) => {
        if (!this.#readEnded) this.#close(error ?? broken());
      },
    });
    output.attach({
      data() {},
      drain: () => this.#events.drain(),
      end: () => this.#onTaken(),
      close: (error) => (error === undefined || this.#ending ? this.#onTaken() : this.#close(error)),
    });
  }

  /** The far end ended its direction; when the SSH connection dies it looks the same. */
  #onEnd(): void {
    if (this.closed || this.#readEnded) return;
    if (!this.#ends.isAlive()) {
      this.#close(broken());
      return;
    }
    this.#readEnded = true;
    this.#events.end();
    this.#ends.input.end();
    this.#closeIfEnded();
  }

  /**
   * SSH reads no more from us: it has all, or the far end wants no more. OpenSSH ends our direction of such a tunnel
   * (`-W`) by itself when the target ends its own; to write after that is an error, to end is in order.
   */
  #onTaken(): void {
    this.#taken = true;
    this.#closeIfEnded();
  }

  #closeIfEnded(): void {
    if (this.#readEnded && this.#taken && this.#ending) this.#close(undefined);
  }

  pause(): void {
    this.#ends.input.pause();
  }

  resume(): void {
    this.#ends.input.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ending) return true;
    if (!this.#taken) return this.#ends.output.write(bytes);
    queueMicrotask(() => this.#close(broken()));
    return true;
  }

  end(): void {
    if (this.closed || this.#ending) return;
    this.#ending = true;
    this.#ends.output.end();
    this.#closeIfEnded();
  }

  destroy(): void {
    this.#close(undefined);
  }

  #close(error: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.#error = error;
    for (const end of [this.#ends.control, this.#ends.input, this.#ends.output]) {
      if (!end.closed) end.destroy();
    }
    this.#events.close(error);
  }
}

function broken(): Error {
  return Object.assign(new Error("the SSH connection closed the tunnel"), { code: "ECONNRESET" });
}
