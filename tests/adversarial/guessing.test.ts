/** One who guesses passwords, hundreds at a time: it makes only itself wait. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProxy } from "./harness.ts";
import { connectRequest, RawClient, socks5Request } from "./raw-client.ts";
import { listenEcho, type Upstream } from "./upstream.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "portail-guessing-"));
let echo: Upstream;
beforeAll(async () => {
  echo = await listenEcho();
});
afterAll(() => {
  echo.server.close();
  rmSync(folder, { recursive: true });
});

/** The whole of a client's half, in one piece: its password and its request. */
const HALVES = {
  socks5: (password: string) =>
    Buffer.concat([
      Buffer.from(`\u0005\u0001\u0002\u0001\u0005alice${String.fromCharCode(password.length)}${password}`, "latin1"),
      socks5Request("127.0.0.1", echo.port),
    ]),
  connect: (password: string) => {
    const credentials = Buffer.from(`alice:${password}`).toString("base64");
    const head = connectRequest("127.0.0.1", echo.port).toString();
    return Buffer.from(head.replace("\r\n\r\n", `\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`));
  },
} as const;

/** What stands in front of the tunnel when all is well. */
const OPEN = {
  socks5: Buffer.from("\u0005\u0002\u0001\u0000\u0005\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000", "latin1"),
  connect: Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n"),
} as const;

test.each(["socks5", "connect"] as const)("%s: another client is let in while 600 guesses wait", async (protocol) => {
  const users = join(folder, protocol);
  writeFileSync(users, `alice:${await Bun.password.hash("right", { algorithm: "bcrypt", cost: 9 })}\n`);
  const policy = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
  const proxy = await startProxy(policy, ["--users", users, "--handshake-timeout", "50s"]);
  const guessers = await Promise.all(
    Array.from({ length: 600 }, () => RawClient.open(proxy.port, "127.0.0.1", "127.0.0.2")),
  );
  for (const [i, guesser] of guessers.entries()) guesser.write(HALVES[protocol](`guess ${i}`));
  // The last of them was heard before the right one comes.
  const client = await RawClient.open(proxy.port, "127.0.0.1", "127.0.0.3");
  client.write(HALVES[protocol]("right"));
  const expected = Buffer.concat([OPEN[protocol], Buffer.from("x")]);
  client.write("x");
  expect(await client.read(expected.length)).toEqual(expected);
  for (const one of [client, ...guessers]) one.reset();
  expect(await proxy.drain()).toBe(0);
});
