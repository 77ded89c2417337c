/** `Conn` over standard input and output, whatever they are: pipes (ssh ProxyCommand), sockets (inetd), files, terminals. Knows no protocol. */
import { closeSync, fstatSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import { descriptorCalls } from "../ffi/descriptor.ts";
import { libc } from "../ffi/libc.ts";
import { IGNORE, type Conn, type ConnEvents, type SocketAddress } from "./conn.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { decodeSockaddr } from "./inherited.ts";

const INPUT = 0;
const OUTPUT = 1;
/** Bytes of a file that are read at a time. */
const PIECE = 64 * 1024;

/** Where the bytes come from. */
interface Source {
  /** The next bytes; none at the end. Rejects with the system's error. */
  read(): Promise<Uint8Array | undefined>;
  /** Gives up a read under way. */
  cancel(): void;
}

/**
 * Descriptor 0 is read and descriptor 1 written from the first receiver on. An end of our direction closes 1, or ends the
 * write direction of its socket; both are replaced by /dev/null once they are done with, so that nobody who opens a file
 * later gets their numbers. One per process, which is to write nothing else to standard output.
 */
export class StdioConn implements Conn {
  readonly tls = undefined;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  received = 0;
  sent = 0;
  buffered = 0;
  closed = false;
  readonly #source: Source;
  readonly #sink: Bun.FileSink;
  /** Of the output before we came: the runtime makes it non-blocking for all who share it. */
  readonly #flags: number;
  #events: ConnEvents = IGNORE;
  #started = false;
  #resumed: PromiseWithResolvers<void> | undefined;
  /** What waits for the sink, in order; undefined while it takes all. */
  #queue: Uint8Array[] | undefined;
  #writing: "open" | "ending" | "ended" = "open";
  #readEnded = false;
  #error: Error | undefined;

  constructor() {
    this.remote = address(descriptorCalls()?.getpeername(INPUT));
    this.local = address(libc()?.getsockname(INPUT));
    this.#flags = descriptorCalls()?.flags(OUTPUT) ?? -1;
    // The runtime's stream reads files from their beginning, wherever the descriptor stands.
    this.#source = fstatSync(INPUT).isFile() ? fileSource() : streamSource();
    this.#sink = Bun.file(OUTPUT).writer();
  }

  /** The descriptor of the client's end, where it is a socket. */
  get fd(): number {
    return this.closed ? -1 : INPUT;
  }

  attach(events: ConnEvents): void {
    const before = this.#events;
    this.#events = events;
    if (before instanceof ReceiveBuffer) before.release(events);
    if (this.closed) events.close(this.#error);
    else if (!this.#started) {
      this.#started = true;
      void this.#read();
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      await this.#resumed?.promise;
      const chunk = await this.#source.read().catch((error: Error) => this.#close(error));
      // A pause may have come while it was read.
      while (this.#resumed !== undefined) await this.#resumed.promise;
      if (this.closed) return;
      if (chunk === undefined) break;
      this.received += chunk.length;
      this.#events.data(chunk);
    }
    this.#readEnded = true;
    this.#events.end();
    this.#closeIfEnded();
  }

  pause(): void {
    if (!this.closed) this.#resumed ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#writing !== "open") return true;
    this.sent += bytes.length;
    if (this.#queue !== undefined) {
      this.#queue.push(bytes);
      this.buffered += bytes.length;
      return false;
    }
    return this.#give([bytes]);
  }

  /** Gives `pieces` to the sink. False if they are not with the system yet; they count as buffered until then. */
  #give(pieces: readonly Uint8Array[]): boolean {
    let taken: (number | Promise<number>)[];
    try {
      taken = [...pieces.map((piece) => this.#sink.write(piece)), this.#sink.flush()];
    } catch (error) {
      queueMicrotask(() => this.#close(error as Error));
      return true;
    }
    const waiting = taken.filter((answer) => answer instanceof Promise);
    if (waiting.length === 0) return true;
    this.#queue = [];
    this.buffered = pieces.reduce((sum, { length }) => sum + length, 0);
    Promise.all(waiting).then(
      () => this.#onDrain(),
      (error: Error) => this.#close(error),
    );
    return false;
  }

  #onDrain(): void {
    if (this.closed) return;
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    this.buffered = 0;
    if (queue.length > 0 && !this.#give(queue)) return;
    if (this.#writing === "ending") this.#endOutput();
    else this.#events.drain();
  }

  end(): void {
    if (this.closed || this.#writing !== "open") return;
    this.#writing = "ending";
    if (this.#queue === undefined) this.#endOutput();
  }

  #endOutput(): void {
    this.#writing = "ended";
    const ended = Promise.resolve(this.#sink.end());
    ended.then(
      () => {
        this.#release(OUTPUT);
        this.#closeIfEnded();
      },
      (error: Error) => this.#close(error),
    );
  }

  #closeIfEnded(): void {
    if (this.#readEnded && this.#writing === "ended") this.#close(undefined);
  }

  destroy(): void {
    if (!this.closed) this.#close(undefined);
  }

  #close(error: Error | undefined): undefined {
    if (this.closed) return;
    this.closed = true;
    this.#error = error;
    this.#queue = undefined;
    this.resume();
    this.#source.cancel();
    this.#abandonOutput();
    this.#release(OUTPUT);
    this.#release(INPUT);
    this.#events.close(error);
  }

  /** What the sink holds is lost, and keeps nobody waiting. */
  #abandonOutput(): void {
    this.#sink.unref();
    if (this.#writing !== "ended") void Promise.resolve(this.#sink.end()).catch(() => {});
  }

  /** Lets go of a descriptor, so that whoever is at its other end sees an end. */
  #release(fd: number): void {
    const calls = descriptorCalls();
    if (calls === undefined) {
      closeSync(fd);
      return;
    }
    if (fd === OUTPUT) {
      // Others may hold the same socket, we ourselves as standard input.
      calls.shutdownWrite(OUTPUT);
      if (this.#flags !== -1) calls.setFlags(OUTPUT, this.#flags);
    }
    const nowhere = openSync("/dev/null", fd === OUTPUT ? "w" : "r");
    calls.replace(fd, nowhere);
    closeSync(nowhere);
  }
}

function address(raw: Uint8Array | undefined): SocketAddress {
  return (raw && decodeSockaddr(raw)) ?? { path: "" };
}

/** Of pipes, sockets and terminals: reads when it is asked to, and no more than that. */
function streamSource(): Source {
  const reader = Bun.file(INPUT).stream().getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

/** Of a file, from where its descriptor stands. */
function fileSource(): Source {
  const readFile = promisify(read);
  return {
    async read() {
      const buffer = Buffer.allocUnsafeSlow(PIECE);
      const { bytesRead } = await readFile(INPUT, buffer, 0, PIECE, null);
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    },
    cancel() {},
  };
}
