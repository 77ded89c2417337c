/** Listeners of one process: no two at one address, and all gone at once. What one of them does is tested beside it. */
import { afterEach, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { SocketAddress } from "../../../../lib/net/conn.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { Listeners } from "../../../../lib/net/listeners.ts";

const all = new Listeners();
afterEach(() => all.close());

const options = { keepAlive: new KeepAlive(0), accept: () => {}, reusePort: true };
const open = (host: string, port: number) => all.open({ kind: "tcp", host, port }, {}, options);
const port = () => (all.addresses[0] as Extract<SocketAddress, { port: number }>).port;

/** Whether somebody who does not share may take the port. */
function isFree(wanted: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(wanted, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

test("the same port is refused, under another name too, although the system would share it", async () => {
  await open("127.0.0.1", 0);
  for (const host of ["127.0.0.1", "localhost"]) {
    const error = await open(host, port()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: "listen.twice",
      exit: 78,
      message: `127.0.0.1:${port()} is to be listened on twice`,
    });
  }
  expect(all.addresses).toHaveLength(1);
});

test("other ports and other addresses stand beside each other", async () => {
  await open("127.0.0.1", 0);
  await open("127.0.0.1", 0);
  await open("127.0.0.2", port());
  expect(all.addresses).toHaveLength(3);
});

test("what was refused is closed, and so is everything at the end", async () => {
  await open("127.0.0.1", 0);
  const taken = port();
  await open("127.0.0.1", taken).catch(() => {});
  expect(await isFree(taken)).toBe(false);
  all.close();
  expect([await isFree(taken), all.addresses]).toEqual([true, []]);
});

test("an address that something else of the process listens on can be asked for", async () => {
  await open("127.0.0.1", 0);
  expect(() => all.claim({ ip: "127.0.0.1", port: port() })).toThrow("twice");
  all.claim({ ip: "127.0.0.1", port: port() + 1 });
  all.claim({ path: "/run/portail.sock" });
});
