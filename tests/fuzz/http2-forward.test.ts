/** Mutated `http://` requests over HTTP/2: what reaches a server is one request of HTTP/1.1, the one that was decided, and no byte more. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { startProxy } from "../adversarial/harness.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import type { RawClient } from "../adversarial/raw-client.ts";
import { DATA, frame, headers, nextFrame, openHttp2, uint32, type Fields } from "../adversarial/raw-http2.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 40_000 : 3_000;
const STREAMS = 20;

/** Decided on all that a request line is made of. */
const ACL = `policy no { when path == "/no" or query == "no" action deny }
policy local { when dest.ip in [127.0.0.0/8] and method != "" action allow }`;

const METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "get", "G T", "TRACE", "X"];
const TOKENS = ["\r\n", "\n", "\r", "\0", ":", " ", "\t", "/", "?", "#", "*", "@", "%0d", "\u00ff", "\u0085", "[", "]"];
const WORDS = [" HTTP/1.1\r\nX: ", "GET /no HTTP/1.1\r\n\r\n", "http://", "//", "/../", "chunked", "0\r\n\r\n", ", 5"];
const FIELDS: Fields = [
  ["content-length", "4"],
  ["content-length", "0"],
  ["transfer-encoding", "chunked"],
  ["te", "trailers"],
  ["expect", "100-continue"],
  ["cookie", "a=1"],
  ["cookie", "b"],
  ["connection", "close"],
  ["host", "other"],
  ["x", "y"],
];

function mutate(text: string, random: Prng): string {
  if (random.below(4) > 0) return text;
  const piece = random.below(2) === 0 ? pick(TOKENS, random) : pick(WORDS, random);
  const at = random.below(text.length + 1);
  return text.slice(0, at) + piece + text.slice(at + random.below(2));
}

const pick = <T>(list: readonly T[], random: Prng): T => list[random.below(list.length)]!;

/** A request as frames; one that the client resets itself is answered by nobody. */
function requestOf(stream: number, port: number, random: Prng): { bytes: Buffer; awaited: boolean } {
  const path = `/${stream}${random.below(2) === 0 ? "?q=1" : ""}`;
  const list: [string, string][] = [
    [":method", random.below(3) === 0 ? pick(METHODS, random) : "POST"],
    [":scheme", random.below(20) === 0 ? "https" : "http"],
    [":path", mutate(path, random)],
    [":authority", random.below(4) === 0 ? mutate(`127.0.0.1:${port}`, random) : `127.0.0.1:${port}`],
  ];
  for (let more = random.below(3); more > 0; more--) {
    const [name, value] = pick(FIELDS, random);
    list.push(random.below(4) === 0 ? [mutate(name, random), mutate(value, random)] : [name, value]);
  }
  const parts = [headers(stream, list, random.below(2) === 0 ? 5 : 4)];
  for (let more = random.below(3); more > 0; more--) {
    parts.push(DATA(stream, pick(["", "ab", "abcd", "GET /no HTTP/1.1\r\n\r\n"], random), random.below(2)));
  }
  if (random.below(8) === 0) parts.push(headers(stream, [["x-trailer", "1"]], 5));
  const awaited = random.below(8) > 0;
  if (!awaited) parts.push(frame(3, 0, stream, uint32(8)));
  return { bytes: Buffer.concat(parts), awaited };
}

/** Reads until none of these streams is open, or the connection is gone: how many were answered. */
async function answersTo(client: RawClient, streams: Set<number>): Promise<number> {
  let answers = 0;
  while (streams.size > 0) {
    const next = await nextFrame(client);
    if (next === undefined) break;
    if (next.type === 1) answers++;
    if (next.type === 3 || (next.type <= 1 && (next.flags & 1) !== 0)) streams.delete(next.stream);
  }
  return answers;
}

/** What is wrong with the bytes of one connection as one request and its content, in whole or in part. */
function faultOf(bytes: string): string | undefined {
  const [, head, content = ""] = /^([^]*?\r\n)\r\n([^]*)$/.exec(bytes) ?? [];
  if (head === undefined) return "no head";
  const [line = "", ...fields] = head.trimEnd().split("\r\n");
  if (!/^[A-Z]+ [*/][^\s]* HTTP\/1\.1$/.test(line)) return "a request line that is none";
  if (!fields.every((field) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*$/.test(field))) return "a field";
  const values = (wanted: string) =>
    fields
      .filter((field) => field.toLowerCase().startsWith(`${wanted}:`))
      .map((field) => field.slice(wanted.length + 2));
  const lengths = values("content-length");
  const codings = values("transfer-encoding");
  if (values("host").length !== 1 || lengths.length + codings.length > 1) return "two of what there is one of";
  if (codings.length === 1) return codings[0] === "chunked" && areChunks(content) ? undefined : "chunks that are none";
  return content.length <= Number(lengths[0] ?? 0) ? undefined : "content beyond its length";
}

/** Whether it is chunks, with nothing behind the last one. */
function areChunks(content: string): boolean {
  let at = 0;
  while (at < content.length) {
    const [line, digits] = /^([0-9a-f]+)\r\n/i.exec(content.slice(at)) ?? [];
    if (line === undefined || digits === undefined) return false;
    const size = parseInt(digits, 16);
    const end = at + line.length + size + 2;
    if (size === 0) return end === content.length;
    if (content.slice(end - 2, end) !== "\r\n".slice(0, Math.max(0, content.length - end + 2))) return false;
    at = end;
  }
  return true;
}

test(`${ROUNDS} mutated requests`, async () => {
  const random = createPrng();
  const proxy = await startProxy(ACL, ["--idle-timeout", "1s"]);
  const got: string[] = [];
  const origin = createServer({ allowHalfOpen: true }, (socket) => {
    const index = got.push("") - 1;
    let answered = false;
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      got[index] += chunk.toString("latin1");
      if (answered || !got[index]!.includes("\r\n\r\n")) return;
      answered = true;
      // Some answer before the content has come.
      setTimeout(() => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), index % 3);
    });
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const { port } = origin.address() as { port: number };
  let answers = 0;
  for (let round = 0; round < ROUNDS; round += STREAMS) {
    const numbers = Array.from({ length: STREAMS }, (_, i) => 2 * i + 1);
    const requests = numbers.map((stream) => requestOf(stream, port, random));
    const client = await openHttp2(proxy.port, ...requests.map(({ bytes }) => bytes));
    answers += await answersTo(client, new Set(numbers.filter((_, i) => requests[i]!.awaited)));
    client.reset();
  }
  expect(await proxy.drain()).toBe(0);
  origin.close();
  // A client may be gone before a byte of its request was written.
  const arrived = got.filter((bytes) => bytes !== "");
  const told = `seed ${random.seed}`;
  for (const bytes of arrived) expect([faultOf(bytes), bytes, told]).toEqual([undefined, bytes, told]);
  const allowed = proxy.events("decision").filter(({ decision }) => decision === "allow");
  const lines = new Set(
    allowed.map(
      ({ facts }) => `${facts["method"]} ${facts["path"]}${facts["query"] === "" ? "" : `?${facts["query"]}`}`,
    ),
  );
  for (const bytes of arrived) {
    const [line] = bytes.split(" HTTP/1.1\r\n");
    expect([lines.has(line!) || lines.has(line!.replace(/\?$/, "")), line, told]).toEqual([true, line, told]);
  }
  expect(arrived.length).toBeGreaterThan(ROUNDS / 10);
  expect(answers).toBeGreaterThan(ROUNDS / 4);
});
