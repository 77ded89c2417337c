/** Bulk in both directions at once, with either side ending first, over both protocols: every byte arrives, in order. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { startProxy } from "./harness.ts";
import { ask, type Protocol } from "./raw-client.ts";

setDefaultTimeout(600_000);

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
const MIB = 1024 * 1024;
const LONG = process.env["PORTAIL_LONG"] === "1";
const PARALLEL = 50;
/** Of each direction of each of the parallel tunnels. */
const SIZE = (LONG ? 64 : 2) * MIB;

/** Bytes that repeat late and say where they stand, so that a loss or a swap changes the digest. */
function* pieces(size: number, salt: number): Generator<Buffer> {
  for (let at = 0; at < size; at += 64 * 1024) {
    const piece = Buffer.alloc(Math.min(64 * 1024, size - at), salt & 255);
    for (let i = 0; i + 8 <= piece.length; i += 4096) piece.writeUIntBE(at + i, i, 6);
    yield piece;
  }
}

function digestOf(size: number, salt: number): string {
  const hash = createHash("sha256");
  for (const piece of pieces(size, salt)) hash.update(piece);
  return hash.digest("hex");
}

/** Sends `size` bytes with regard to backpressure, the second half after `gate`, then ends the direction. */
async function send(socket: Socket, size: number, salt: number, gate?: Promise<unknown>): Promise<void> {
  let sent = 0;
  for (const piece of pieces(size, salt)) {
    if (sent >= size / 2) await gate;
    sent += piece.length;
    if (!socket.write(piece)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end();
}

/** Which side ends its direction while the other still has half of its bytes to send; `neither` waits for the other. */
type First = "neither" | "client" | "upstream";

/** One tunnel that carries `size` bytes in each direction. */
async function exchange(protocol: Protocol, proxyPort: number, size: number, first: First, salt: number) {
  const upstream = Promise.withResolvers<string>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const digest = receive(() => next(socket));
    digest.then(upstream.resolve, upstream.reject);
    void send(socket, size, salt + 1, first === "client" ? digest : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const { client, open } = await ask(protocol, proxyPort, "127.0.0.1", port);
  expect(open).toBe(true);
  const digest = receive(() => client.some());
  await send(client.socket, size, salt, first === "upstream" ? digest : undefined);
  expect(await upstream.promise).toBe(digestOf(size, salt));
  expect(await digest).toBe(digestOf(size, salt + 1));
  await client.closed;
  server.close();
}

/** Reads to the end of a direction: the digest of all that came. */
async function receive(read: () => Promise<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for (;;) {
    const chunk = await read();
    if (chunk.length === 0) return hash.digest("hex");
    hash.update(chunk);
  }
}

/** The next chunk of a socket, or nothing at its end. */
function next(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null && !socket.readableEnded) return;
      socket.off("readable", look).off("end", look).off("error", reject);
      resolve(chunk ?? Buffer.alloc(0));
    };
    socket.on("readable", look).on("end", look).on("error", reject);
    look();
  });
}

describe.each(["socks5", "connect"] as const)("%s", (protocol) => {
  test.each(["neither", "client", "upstream"] as const)("64 MiB both ways, %s ends first", async (first) => {
    const proxy = await startProxy(ACL);
    await exchange(protocol, proxy.port, 64 * MIB, first, 1);
    const close = await proxy.event("close");
    expect(close).toMatchObject({ sent: 64 * MIB, received: 64 * MIB });
    expect(close.error).toBeUndefined();
    if (first !== "neither") expect(close.reason).toBe(first);
    expect(await proxy.drain()).toBe(0);
  });

  test(`${PARALLEL} tunnels of ${SIZE / MIB} MiB both ways at once`, async () => {
    const proxy = await startProxy(ACL);
    const firsts = ["neither", "client", "upstream"] as const;
    await Promise.all(
      Array.from({ length: PARALLEL }, (_, i) => exchange(protocol, proxy.port, SIZE, firsts[i % 3]!, 2 * i)),
    );
    expect(await proxy.drain()).toBe(0);
    expect(proxy.events("close")).toHaveLength(PARALLEL);
  });
});
