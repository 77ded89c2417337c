/** Any bytes, in any pieces, against the prefaces: no exception, one end, and the same one however the bytes are cut. Longer with PORTAIL_LONG. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { HelloReader } from "../../lib/session/client-hello.ts";
import { FIRST_BYTES, FirstBytesReader } from "../../lib/session/first-bytes.ts";
import { HttpConnectClient } from "../../lib/session/http-connect-client.ts";
import { MeantName } from "../../lib/session/meant-name.ts";
import { MysqlClient, MysqlGreeting } from "../../lib/session/mysql-starttls.ts";
import { OpeningReader } from "../../lib/session/opening.ts";
import { CancelReader } from "../../lib/session/postgres-cancel.ts";
import { PostgresPlain } from "../../lib/session/postgres-plain.ts";
import { PostgresClient, PostgresServer } from "../../lib/session/postgres-starttls.ts";
import type { Preface, PrefaceStep } from "../../lib/session/preface.ts";
import { ProxyHeaderReader } from "../../lib/session/proxy-header.ts";
import { Socks5Client } from "../../lib/session/socks5-client.ts";
import { encodePacket } from "../../lib/wire/mysql.ts";
import { encodeProxyHeader } from "../../lib/wire/proxy-protocol.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { helloRecord } from "../support/make-hello.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 200_000 : 10_000;
const latin = (text: string) => Buffer.from(text, "latin1");
const TARGET = { host: "a.example", port: 443 };
const USER = { user: "ann", password: "pw" };
const CLAIM = { source: { ip: "192.0.2.1", port: 1 }, destination: { ip: "192.0.2.2", port: 2 } };
const HEADER = Buffer.from(encodeProxyHeader({ mode: "conn", ...CLAIM })!);

const GREETING = Buffer.from(
  encodePacket({ number: 0, payload: latin(`\x0a5.5\0\x0b\0\0\0dvH@I-CJ\0\xff\xff\x08\x02\0${"\0".repeat(200)}`) }),
);

/** Prefaces, and whole dialogues of the peer to begin from. */
const PLAYS: Record<string, { open: () => Preface<unknown>; seeds: Buffer[] }> = {
  "a client of SOCKS5": {
    open: () => new Socks5Client(TARGET, undefined),
    seeds: [latin("\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0early"), latin("\x05\x00\x05\x00\x00\x03\x02ab\0\0early")],
  },
  "a client of SOCKS5 with a user": {
    open: () => new Socks5Client(TARGET, USER),
    seeds: [latin(`\x05\x02\x01\x00\x05\x00\x00\x04${"\0".repeat(18)}early`), latin("\x05\x02\x01\x01")],
  },
  "a client of CONNECT": {
    open: () => new HttpConnectClient(TARGET, USER),
    seeds: [latin("HTTP/1.1 200 OK\r\nA: b\r\n\r\nearly"), latin("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.0 200\n\nearly")],
  },
  "a server of PostgreSQL": {
    open: () => new PostgresServer(),
    seeds: [
      latin("\0\0\0\x08\x04\xd2\x16\x2f"),
      latin("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02"),
      latin("\0\0\0\x0d\0\x03\0\0user\0"),
      latin("\x16\x03\x01early"),
    ],
  },
  "a client of PostgreSQL": {
    open: () => new PostgresClient(),
    seeds: [latin("S"), latin("N"), latin("E\0\0\0\x0eSFATAL\0Mx\0\0")],
  },
  "a client of PostgreSQL that is to have no TLS": {
    open: () => new PostgresPlain(),
    seeds: [
      latin("\0\0\0\x08\x04\xd2\x16\x2f"),
      latin("\0\0\0\x08\x04\xd2\x16\x30"),
      latin("\0\0\0\x0d\0\x03\0\0user\0"),
    ],
  },
  "a server of MySQL": {
    open: () => new MysqlGreeting(),
    seeds: [GREETING, latin("\x0b\0\0\0\xff\x10\x04Too many")],
  },
  "a client of MySQL": {
    open: () => new MysqlClient(latin("\x01\0\0\0\x0a")),
    seeds: [latin(`\x24\0\0\x01\x8d\xa6\x0f\0\0\0\0\x01\x08${"\0".repeat(23)}pam\0early`)],
  },
  "what begins a connection": {
    open: () => new FirstBytesReader({ names: new Set(FIRST_BYTES), patterns: [] }),
    seeds: [
      latin("SSH-2.0-x\r\n"),
      latin("GET / HTTP/1.1\r\n"),
      latin("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      latin("\0\0\0\x08\x04\xd2\x16\x2f"),
    ],
  },
  "what begins a connection, with its hello": {
    open: () => new OpeningReader({ names: new Set(FIRST_BYTES), patterns: [] }, 2000),
    seeds: [Buffer.concat([helloRecord(), latin("early")]), latin("SSH-2.0-x\r\n"), latin("GET / HTTP/1.1\r\n")],
  },
  "the name that a client means": {
    open: () => new MeantName(),
    seeds: [
      Buffer.concat([helloRecord(), latin("early")]),
      latin("GET / HTTP/1.1\r\nHost: a.example:80\r\n\r\nearly"),
      latin("GET / HTTP/1.1\nX: y\nHost: [::1]\n\nearly"),
    ],
  },
  "a ClientHello": {
    open: () => new HelloReader(2000),
    seeds: [Buffer.from(helloRecord()), Buffer.concat([helloRecord({ extensions: undefined }), latin("early")])],
  },
  "a cancellation of PostgreSQL": {
    open: () => new CancelReader(),
    seeds: [latin("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02early")],
  },
  "a PROXY header that must be": {
    open: () => new ProxyHeaderReader(true),
    seeds: [Buffer.concat([HEADER, latin("early")]), latin("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nearly")],
  },
  "a PROXY header that may not be": {
    open: () => new ProxyHeaderReader(false),
    seeds: [HEADER, latin("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), latin("\x16\x03\x01early")],
  },
};

interface Played {
  said: string[];
  outcome: object;
}

/** Feeds the bytes in random pieces and ends behind them; what comes after the last step stands behind its rest. */
function play(preface: Preface<unknown>, bytes: Buffer, random: Prng | undefined, told: string): Played {
  const steps = preface.start();
  let at = 0;
  while (at < bytes.length && !isOver(steps)) {
    const length = random === undefined ? bytes.length : 1 + random.below(random.below(4) === 0 ? bytes.length : 7);
    steps.push(...preface.receive(Buffer.from(bytes.subarray(at, at + length))));
    at += length;
  }
  if (!isOver(steps)) steps.push(preface.ended());
  const last = steps.pop();
  const said = steps.map((step) => (step.type === "send" ? Buffer.from(step.bytes).toString("hex") : step.type));
  expect(said, told).not.toContain("done");
  expect(said, told).not.toContain("fail");
  if (last?.type !== "done") return { said, outcome: { failed: last?.type === "fail" ? last.code : "nothing" } };
  const rest = Buffer.concat([last.rest, bytes.subarray(at)]).toString("hex");
  expect(bytes.toString("hex").endsWith(rest), told).toBe(true);
  return { said, outcome: { value: last.value, rest } };
}

function isOver(steps: PrefaceStep<unknown, string>[]): boolean {
  return steps.some(({ type }) => type !== "send");
}

test.each(Object.entries(PLAYS))(`${ROUNDS} mutated dialogues: %s`, (name, { open, seeds }) => {
  const random = createPrng();
  let done = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const seed = seeds[random.below(seeds.length)]!;
    const bytes = random.below(20) === 0 ? random.bytes(random.below(60)) : mutate(seed, random);
    const told = `${name}, seed ${random.seed}, round ${round}: ${bytes.toString("hex")}`;
    const pieces = play(open(), bytes, random, told);
    const whole = play(open(), bytes, undefined, told);
    if ("value" in whole.outcome) done++;
    // What came along with a request is told from what came after it by the cut alone.
    if ("failed" in whole.outcome && String(whole.outcome.failed).endsWith("_pipelined")) continue;
    expect(pieces.outcome, told).toEqual(whole.outcome);
    expect(pieces.said, told).toEqual(whole.said);
  }
  // The mutations leave enough whole that the end is seen at all.
  expect(done).toBeGreaterThan(ROUNDS / 50);
});
