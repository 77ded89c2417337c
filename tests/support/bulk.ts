/** Bulk data between plain sockets: bytes of which a loss or a swap changes the digest, sent and read with backpressure. Asserts nothing. */
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";

/** Bytes of which every 4 KiB say where they stand; `salt` tells streams apart. */
export function* pieces(size: number, salt: number): Generator<Buffer> {
  for (let at = 0; at < size; at += 64 * 1024) {
    const piece = Buffer.alloc(Math.min(64 * 1024, size - at), salt & 255);
    for (let i = 0; i + 8 <= piece.length; i += 4096) {
      piece.writeUIntBE(at + i, i, 6);
      piece.writeUInt16BE(salt & 0xffff, i + 6);
    }
    yield piece;
  }
}

export function digestOf(size: number, salt: number): string {
  const hash = createHash("sha256");
  for (const piece of pieces(size, salt)) hash.update(piece);
  return hash.digest("hex");
}

/** Sends `size` bytes, the second half after `gate`, then ends the direction. */
export async function send(socket: Duplex, size: number, salt: number, gate?: Promise<unknown>): Promise<void> {
  let sent = 0;
  for (const piece of pieces(size, salt)) {
    if (sent >= size / 2) await gate;
    sent += piece.length;
    if (!socket.write(piece)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end();
}

/** Reads to the end of a direction: the digest of all that came. Rejects where there is no orderly end. */
export async function receive(read: () => Promise<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for (;;) {
    const chunk = await read();
    if (chunk.length === 0) return hash.digest("hex");
    hash.update(chunk);
  }
}

/** The next chunk of a stream, or nothing at its end. Rejects where it breaks off. */
export function next(socket: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const off = () => void socket.off("readable", look).off("end", look).off("error", fail).off("close", gone);
    const fail = (error: Error) => {
      off();
      reject(error);
    };
    const gone = () => fail(new Error("closed before its end"));
    const look = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null && !socket.readableEnded) return;
      off();
      resolve(chunk ?? Buffer.alloc(0));
    };
    socket.on("readable", look).on("end", look).on("error", fail).on("close", gone);
    look();
  });
}
