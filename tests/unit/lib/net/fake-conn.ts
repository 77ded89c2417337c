/** A `Conn` without a socket: what is written is kept, and the test plays the peer. */
import type { Conn, ConnEvents } from "../../../../lib/net/conn.ts";
import { ReceiveBuffer } from "../../../../lib/net/receive-buffer.ts";

export class FakeConn implements Conn {
  readonly remote = { ip: "192.0.2.1", port: 1 };
  readonly local = { ip: "192.0.2.2", port: 2 };
  readonly tls = undefined;
  received = 0;
  sent = 0;
  buffered = 0;
  closed = false;
  /** What was asked of it, in order. */
  readonly calls: string[] = [];
  readonly written: string[] = [];
  /** What `write` answers. */
  takes = true;
  events: ConnEvents | undefined;

  attach(events: ConnEvents): void {
    const before = this.events;
    this.events = events;
    if (before instanceof ReceiveBuffer) before.release(events);
  }

  /** What comes from now on is held for the next receiver. */
  hold(): this {
    this.attach(new ReceiveBuffer(this));
    return this;
  }

  write(bytes: Uint8Array): boolean {
    this.sent += bytes.length;
    this.written.push(Buffer.from(bytes).toString("latin1"));
    return this.takes;
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
    this.close();
  }

  /** The peer sends. */
  data(text: string): void {
    this.received += text.length;
    this.events!.data(Buffer.from(text, "latin1"));
  }

  /** The connection is gone; as with real ones, this is told once and at once. */
  close(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.events?.close(error);
  }
}
