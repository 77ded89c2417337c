/** Mutated HTTP requests over real sockets: the proxy survives each, answers or closes, and serves the next client. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server } from "node:http";
import { startProxy, type RunningProxy } from "../adversarial/harness.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { RawClient } from "../adversarial/raw-client.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 40_000 : 2_000;

let proxy: RunningProxy;
let web: Server;
let webPort = 0;
/** What arrived at the web server: it must have come through the proxy's own writing. */
const seen: { url: string; names: string[] }[] = [];

beforeAll(async () => {
  proxy = await startProxy("policy local { when dest.ip in [127.0.0.0/8] action allow }", [
    "--handshake-timeout",
    "500ms",
    "--idle-timeout",
    "1s",
  ]);
  web = createServer((req, res) => {
    seen.push({
      url: req.url ?? "",
      names: req.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()),
    });
    req.resume();
    res.end("fine");
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  webPort = (web.address() as { port: number }).port;
});
afterAll(() => {
  web.closeAllConnections();
  web.close();
});

const request = (method: string, ...lines: string[]) =>
  `${method} http://127.0.0.1:${webPort}/path?q=1 HTTP/1.1\r\nHost: 127.0.0.1:${webPort}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

function seeds(): string[] {
  return [
    request("GET", "Connection: close"),
    request("GET", "Accept: */*", "Proxy-Authorization: Basic YTpi", "Connection: close, x", "X: y"),
    `${request("POST", "Content-Length: 4", "Connection: close")}body`,
    `${request("POST", "Transfer-Encoding: chunked", "Connection: close")}4\r\nbody\r\n0\r\nT: x\r\n\r\n`,
    request("HEAD") + request("GET", "Connection: close"),
    request("GET", "Upgrade: websocket", "Connection: Upgrade"),
    request("OPTIONS", "Expect: 100-continue", "Content-Length: 0", "Connection: close"),
  ];
}

const TOKENS = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  ":",
  " ",
  "\t",
  "HTTP/1.1",
  "http://",
  "Content-Length: 7\r\n",
  "0\r\n\r\n",
  "chunked",
  "Host: b\r\n",
  "\u00ff",
  "%00",
  "[::1]",
  "@",
];

function mutate(text: string, random: Prng): string {
  let out = text;
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = random.below(out.length + 1);
    const kind = random.below(5);
    if (kind === 0) out = out.slice(0, at) + TOKENS[random.below(TOKENS.length)]! + out.slice(at);
    else if (kind === 1) out = out.slice(0, at) + out.slice(at + random.below(20));
    else if (kind === 2) out = out.slice(0, at) + String.fromCharCode(random.below(256)) + out.slice(at + 1);
    else if (kind === 3) out = out.slice(0, at) + out.slice(random.below(out.length + 1));
    else out = out.slice(0, at);
  }
  return out;
}

/** Sends and takes what comes soon; then the client is gone, in one way or another. */
async function exchange(bytes: string, random: Prng): Promise<string> {
  const client = await RawClient.open(proxy.port);
  client.write(Buffer.from(bytes, "latin1"));
  const answer = await Promise.race([client.some(), Bun.sleep(40).then(() => Buffer.alloc(0))]);
  if (random.below(2) === 0) client.reset();
  else client.end();
  void client.rest().then(() => client.end());
  await client.closed;
  return answer.toString("latin1");
}

test(`${ROUNDS} mutated requests`, async () => {
  const random = createPrng();
  let answered = 0;
  for (let round = 0; round < ROUNDS; round += 20) {
    const batch = Array.from({ length: 20 }, () => mutate(seeds()[random.below(7)]!, random));
    const answers = await Promise.all(batch.map((bytes) => exchange(bytes, random)));
    for (const [i, answer] of answers.entries()) {
      const told = `seed ${random.seed}, ${JSON.stringify(batch[i])}`;
      if (answer === "") continue;
      answered++;
      // The first byte may have been changed to that of another protocol.
      if (batch[i]!.charCodeAt(0) > 5) expect(answer, told).toMatch(/^HTTP\/1\.1 [1-5]\d\d /);
    }
  }
  expect(answered).toBeGreaterThan(ROUNDS / 4);
  expect(seen.length).toBeGreaterThan(ROUNDS / 10);
  for (const { names } of seen) {
    for (const name of ["proxy-authorization", "proxy-connection", "keep-alive", "upgrade"])
      expect(names).not.toContain(name);
    expect(names.filter((name) => name === "host")).toHaveLength(1);
  }
  const client = await RawClient.open(proxy.port);
  client.write(request("GET", "Connection: close"));
  expect((await client.rest()).toString()).toEndWith("fine");
  client.end();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
});
