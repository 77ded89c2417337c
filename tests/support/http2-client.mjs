/** A client of HTTP/2 proxies for Node, whose HTTP/2 is nghttp2: `node http2-client.mjs JSON`; one JSON line says what came of it. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:http2";

const {
  scenario,
  proxy,
  target,
  tunnels = 1,
  size = 0,
  headers = {},
  path = "/",
  scheme = "http",
  requests = [],
  ca,
} = JSON.parse(process.argv[2]);
const session = connect(proxy, { maxSessionMemory: 1000, ...(ca && { ca }) });
session.on("error", (error) => say({ error: error.message }));
const [settings] = await once(session, "remoteSettings");
say(await { transfer, ask, websocket, fetch }[scenario]());
session.close();

function say(outcome) {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

async function open(more = {}) {
  const stream = session.request({ ":method": "CONNECT", ":authority": target, ...headers, ...more });
  stream.on("error", () => {});
  const [answer] = await once(stream, "response");
  return { stream, answer };
}

/** One tunnel that nobody reads stalls; all others carry `size` random bytes to an echo and back, and end in order. */
async function transfer() {
  const stalled = await open();
  stalled.stream.pause();
  stalled.stream.write(randomBytes(8 * 2 ** 20));
  const whole = await Promise.all(Array.from({ length: tunnels - 1 }, echo));
  const stillOpen = !stalled.stream.closed;
  stalled.stream.destroy();
  return { whole: whole.filter(Boolean).length, stillOpen };
}

async function echo() {
  const { stream, answer } = await open();
  if (answer[":status"] !== 200) return false;
  const sent = randomBytes(size);
  const hash = createHash("sha256");
  let length = 0;
  stream.on("data", (chunk) => {
    hash.update(chunk);
    length += chunk.length;
  });
  stream.end(sent);
  await once(stream, "end");
  return length === size && hash.digest("hex") === createHash("sha256").update(sent).digest("hex");
}

/** One request: the answer and its content. */
async function ask() {
  const stream = session.request({ ":authority": target, ":method": "CONNECT", ...headers });
  stream.on("error", () => {});
  const [answer] = await once(stream, "response");
  stream.setEncoding("utf8");
  let body = "";
  if (answer[":status"] === 200) stream.close();
  else for await (const chunk of stream) body += chunk;
  return { answer, body };
}

/** RFC 8441: opens a WebSocket and sends one text frame, masked; the frame that comes back. */
async function websocket() {
  if (!settings.enableConnectProtocol) return { error: "no extended CONNECT" };
  const { stream, answer } = await open({ ":protocol": "websocket", ":scheme": scheme, ":path": path });
  if (answer[":status"] !== 200) return { answer };
  const text = Buffer.from("round and round");
  const mask = randomBytes(4);
  stream.write(Buffer.concat([Buffer.of(0x81, 0x80 | text.length), mask, text.map((byte, i) => byte ^ mask[i % 4])]));
  let got = Buffer.alloc(0);
  while (got.length < text.length + 2) got = Buffer.concat([got, (await once(stream, "data"))[0]]);
  stream.close();
  return { answer, opcode: got[0], text: got.subarray(2).toString() };
}

/** All `requests` at once, each as {headers, size, sized, waits, trailers}; what came of each. */
async function fetch() {
  return { outcomes: await Promise.all(requests.map(fetchOne)) };
}

/** `size` bytes of content, with their length if `sized`, after 100 if `waits`, and with trailers. */
async function fetchOne({ headers: own = {}, size, sized = false, waits = false, trailers }) {
  const content = size === undefined ? undefined : randomBytes(size);
  const more = { ...(sized && { "content-length": size }), ...(waits && { expect: "100-continue" }) };
  const head = { ":scheme": scheme, ":path": path, ":authority": target, ...headers, ...own, ...more };
  const stream = session.request(head, { endStream: content === undefined, waitForTrailers: trailers !== undefined });
  const came = { interim: [], trailers: {}, error: null };
  stream.on("headers", (fields) => came.interim.push(fields[":status"]));
  stream.on("trailers", (fields) => (came.trailers = fields));
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.on("error", (error) => (came.error = error.message));
  let answer = {};
  stream.on("response", (fields) => (answer = fields));
  const hash = createHash("sha256");
  const chunks = [];
  let length = 0;
  stream.on("data", (chunk) => {
    hash.update(chunk);
    length += chunk.length;
    if (length < 10_000) chunks.push(chunk);
  });
  if (waits) stream.once("continue", () => stream.end(content));
  else if (content !== undefined) stream.end(content);
  await new Promise((closed) => stream.once("close", closed));
  return {
    ...came,
    answer,
    body: Buffer.concat(chunks).toString(),
    length,
    digest: hash.digest("hex"),
    sent: content && createHash("sha256").update(content).digest("hex"),
    code: stream.rstCode,
  };
}
