/** Bulk in both directions at once, with either side ending first, over both protocols: every byte arrives, in order. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { digestOf, next, receive, send } from "../support/bulk.ts";
import { startProxy } from "./harness.ts";
import { ask, type Protocol } from "./raw-client.ts";

setDefaultTimeout(600_000);

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
const MIB = 1024 * 1024;
const LONG = process.env["PORTAIL_LONG"] === "1";
const PARALLEL = 50;
/** Of each direction of each of the parallel tunnels. */
const SIZE = (LONG ? 64 : 2) * MIB;

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
