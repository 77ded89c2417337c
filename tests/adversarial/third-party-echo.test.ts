/** Bulk through the proxy to an echo that is not ours: socat runs cat for each connection. What comes back is what was sent. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { leaveOut, missing } from "../support/needs.ts";
import { startProxy, until } from "./harness.ts";
import { createPrng } from "./prng.ts";
import { ask, RawClient } from "./raw-client.ts";

setDefaultTimeout(600_000);

const LONG = process.env["PORTAIL_LONG"] === "1";
const MIB = 1024 * 1024;
const PARALLEL = 50;
const SIZE = (LONG ? 64 : 2) * MIB;

const lacking = missing(["socat"]);

let socat: Bun.Subprocess | undefined;
let port = 0;

beforeAll(async () => {
  if (lacking.length > 0) return;
  const listen = "TCP-LISTEN:0,bind=127.0.0.1,fork,backlog=128";
  const child = Bun.spawn(["socat", "-d", "-d", "-t", "60", listen, "EXEC:cat"], { stderr: "pipe", stdout: "ignore" });
  socat = child;
  let text = "";
  void (async () => {
    for await (const chunk of child.stderr) text += new TextDecoder().decode(chunk);
  })();
  await until(() => /listening on AF=2 127\.0\.0\.1:\d+/.test(text), "socat");
  port = Number(/listening on AF=2 127\.0\.0\.1:(\d+)/.exec(text)![1]);
});
afterAll(() => socat?.kill());

if (lacking.length > 0) leaveOut("bulk to an echo that is not ours", lacking);
else
  describe("socat as the echo", () => {
    test.each(["socks5", "connect"] as const)(
      `%s: ${PARALLEL} × ${SIZE / MIB} MiB, ended by the client`,
      async (protocol) => {
        const proxy = await startProxy("policy local { when dest.ip in [127.0.0.0/8] action allow }");
        await Promise.all(
          Array.from({ length: PARALLEL }, async (_, i) => {
            const { client, open } = await ask(protocol, proxy.port, "127.0.0.1", port);
            expect(open).toBe(true);
            const [sent, got] = await Promise.all([send(client, i), digestOf(client)]);
            expect(got).toBe(sent);
            await client.closed;
          }),
        );
        expect(await proxy.drain()).toBe(0);
        const closes = proxy.events("close");
        expect(closes).toHaveLength(PARALLEL);
        for (const { sent, received } of closes) expect([sent, received]).toEqual([SIZE, SIZE]);
      },
    );
  });

async function send({ socket }: RawClient, salt: number): Promise<string> {
  const hash = createHash("sha256");
  const piece = createPrng(salt + 1).bytes(64 * 1024);
  for (let at = 0; at < SIZE; at += piece.length) {
    const numbered = Buffer.from(piece);
    numbered.writeUIntBE(at, 0, 6);
    hash.update(numbered);
    if (!socket.write(numbered)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end();
  return hash.digest("hex");
}

async function digestOf(client: RawClient): Promise<string> {
  const hash = createHash("sha256");
  for (;;) {
    const chunk = await client.some();
    if (chunk.length === 0) return hash.digest("hex");
    hash.update(chunk);
  }
}
