/** Any bytes, in any pieces, against the front sessions: no exception, no request that the bytes do not hold. Longer with PORTAIL_LONG. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { detectFront } from "../../lib/session/detect.ts";
import type { FrontSession, ProxyRequest, Step } from "../../lib/session/front.ts";
import { HttpConnectServer } from "../../lib/session/http-connect-server.ts";
import { Socks4Server } from "../../lib/session/socks4-server.ts";
import { Socks5Server } from "../../lib/session/socks5-server.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 300_000 : 15_000;
const latin = (text: string) => Buffer.from(text, "latin1");

/** Whole dialogues to begin from, and where a request of theirs may come from. */
const SEEDS = [
  latin("\x05\x01\x00\x05\x01\x00\x03\x09a.example\x01\xbbearly"),
  latin("\x05\x02\x00\x02\x01\x05alice\x02pw\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"),
  latin("\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb"),
  latin("\x04\x01\x00\x50\x00\x00\x00\x01me\x00a.example\x00early"),
  latin("\x04\x01\x00\x50\xc0\x00\x02\x01me\x00"),
  latin("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic YTpi\r\n\r\nearly"),
  latin("CONNECT [2001:db8::1]:443 HTTP/1.0\r\nUser-Agent: x\r\n\r\n"),
];

const OPEN: Record<string, (users: boolean) => FrontSession> = {
  socks5: (users) => new Socks5Server(users),
  socks4: (users) => new Socks4Server(users),
  connect: (users) => new HttpConnectServer(users, 4096),
};

/** Feeds the bytes in random pieces; answers credentials at once. */
function feed(session: FrontSession, bytes: Buffer, random: Prng | undefined, accepted: boolean): Step[] {
  const steps: Step[] = [];
  const take = (more: Step[]) => {
    for (const step of more) {
      steps.push(step);
      if (step.type === "authenticate") take(session.authenticated(accepted));
    }
  };
  for (let at = 0; at < bytes.length;) {
    const length = random === undefined ? bytes.length : 1 + random.below(random.below(4) === 0 ? bytes.length : 7);
    take(session.receive(Uint8Array.from(bytes.subarray(at, at + length))));
    at += length;
  }
  return steps;
}

test(`${ROUNDS} mutated dialogues`, () => {
  const random = createPrng();
  let requests = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const seed = SEEDS[random.below(SEEDS.length)]!;
    const bytes = random.below(10) === 0 ? random.bytes(random.below(80)) : mutate(seed, random);
    const told = `seed ${random.seed}, round ${round}: ${bytes.toString("hex")}`;
    const open = OPEN[detectFront(bytes)] ?? Object.values(OPEN)[random.below(3)]!;
    const users = random.below(2) === 0;
    const accepted = random.below(3) > 0;
    const pieces = open(users);
    const steps = feed(pieces, bytes, random, accepted);
    requests += expectSound(steps, bytes, users, accepted, told);
    // However it was cut, it is the same dialogue with the same bytes behind it.
    const whole = open(users);
    expect(feed(whole, bytes, undefined, accepted).map(plain), told).toEqual(steps.map(plain));
    if (steps.at(-1)?.type === "request") {
      expect(Buffer.from(pieces.rest).toString("hex"), told).toBe(Buffer.from(whole.rest).toString("hex"));
      expect(bytes.toString("hex").endsWith(Buffer.from(pieces.rest).toString("hex")), told).toBe(true);
    }
  }
  // The mutations leave enough whole that requests are seen at all.
  expect(requests).toBeGreaterThan(ROUNDS / 20);
});

/** A step for comparison: field lines are taken apart. */
function plain(step: Step): object {
  if (step.type !== "request" || step.request.http === undefined) return step;
  const { http } = step.request;
  return { ...step.request, http: { ...http, headers: http.headers() } };
}

/** Holds the order of steps, and that a request is in the bytes. Answers how many requests there were. */
function expectSound(steps: Step[], bytes: Buffer, users: boolean, accepted: boolean, told: string): number {
  const types = steps.map(({ type }) => type);
  const ends = types.filter((type) => type === "request" || type === "fail");
  expect(ends.length, told).toBeLessThanOrEqual(1);
  if (ends.length === 1) expect(["request", "fail"], told).toContain(types.at(-1)!);
  const request = steps.find((step) => step.type === "request")?.request;
  if (request === undefined) return 0;
  if (users) expect(accepted && types.includes("authenticate"), told).toBe(true);
  expect(isIn(request, bytes), told).toBe(true);
  return 1;
}

/** Text hosts stand in the bytes as they are; addresses as their 4 or 16 bytes, as told by another formatter. */
function isIn({ host, ip, port, protocol }: ProxyRequest, bytes: Buffer): boolean {
  expect(port).toBeWithin(0, 65_536);
  if (protocol === "http") return bytes.includes(Buffer.from(host)) || bytes.includes(Buffer.from(host, "latin1"));
  if (!bytes.includes(Uint8Array.of(port >> 8, port & 255))) return false;
  return ip !== undefined || protocol === "socks4" ? true : bytes.includes(Buffer.from(host));
}
