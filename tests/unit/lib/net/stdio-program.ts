/** A program for the tests of stdio-conn.ts: plays one part on its standard streams, and reports on standard error. */
import { formatAddress } from "../../../../lib/net/conn.ts";
import { StdioConn } from "../../../../lib/net/stdio-conn.ts";
import { unixPeer } from "../../../../lib/net/unix-peer.ts";
import { Notes } from "./support.ts";

const part = process.argv[2];
const conn = new StdioConn();
const say = (what: object) => process.stderr.write(`${JSON.stringify(what)}\n`);
const notes = new Notes();
const close = (error?: Error) => {
  notes.close(error);
  const { received, sent, buffered, closed } = conn;
  say({
    events: notes.events,
    received,
    sent,
    buffered,
    closed,
    error: (error as { code?: string } | undefined)?.code,
  });
};
const events = {
  data: (chunk: Uint8Array) => notes.data(chunk),
  drain: () => notes.drain(),
  end: () => notes.end(),
  close,
};

const PARTS: Record<string, () => void | Promise<void>> = {
  /** Repeats what it is told, at the pace of the slower side, and ends when told. */
  echo() {
    conn.attach({
      data(chunk) {
        notes.data(chunk);
        if (!conn.write(chunk)) conn.pause();
      },
      drain: () => conn.resume(),
      end() {
        notes.end();
        conn.end();
      },
      close,
    });
  },
  /** Ends first, and reads on. */
  half() {
    conn.attach({ ...events, data: (chunk) => notes.data(chunk) });
    conn.write(Buffer.from("that was all"));
    conn.end();
    conn.write(Buffer.from("not this"));
  },
  /** Speaks after the peer's end. */
  async late() {
    conn.attach(events);
    while (!notes.ended) await Bun.sleep(2);
    await Bun.sleep(50);
    conn.write(Buffer.from("still here"));
    conn.end();
  },
  /** Writes until it is asked to wait, then a little more, and ends. */
  flood() {
    conn.attach({
      ...events,
      drain() {
        say({ drained: true, buffered: conn.buffered });
        conn.write(Buffer.from("last"));
        conn.end();
      },
    });
    let written = 0;
    while (conn.write(Buffer.alloc(65_536, written))) written++;
    say({ written: written + 1, buffered: conn.buffered });
  },
  /** Does not read for a while. */
  async paused() {
    conn.attach(events);
    conn.pause();
    await Bun.sleep(200);
    say({ before: notes.bytes });
    conn.resume();
    while (!notes.ended) await Bun.sleep(2);
    conn.end();
  },
  /** Gives up in the middle of a read, and of a write that nobody takes. */
  async destroy() {
    conn.attach(events);
    if (process.argv[3] === "full") while (conn.write(Buffer.alloc(65_536)));
    await Bun.sleep(50);
    conn.destroy();
    say({ again: conn.write(Buffer.from("x")) });
    conn.destroy();
    conn.end();
  },
  /** Writes until it is told that nobody reads. */
  async broken() {
    conn.attach(events);
    while (!conn.closed) {
      conn.write(Buffer.alloc(1000));
      await Bun.sleep(2);
    }
  },
  /** Who is there. */
  who() {
    say({ remote: formatAddress(conn.remote), local: formatAddress(conn.local), peer: unixPeer(conn) });
    conn.attach(events);
    conn.end();
  },
};

await PARTS[part!]!();
