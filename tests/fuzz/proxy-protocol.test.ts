/** Any bytes against the decoder of PROXY headers: no exception, one answer however they are cut, nothing past what it says it read. Longer with PORTAIL_LONG. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Decoded } from "../../lib/wire/decode.ts";
import { decodeProxyHeader, encodeProxyHeader } from "../../lib/wire/proxy-protocol.ts";
import type { ProxyHeader } from "../../lib/wire/proxy-v2.ts";
import { createPrng } from "../adversarial/prng.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 1_000_000 : 30_000;

const V4 = { source: { ip: "192.0.2.1", port: 1 }, destination: { ip: "192.0.2.2", port: 2 } };
const V6 = { source: { ip: "2001:db8::1", port: 1 }, destination: { ip: "2001:db8::2", port: 2 } };
const TLS = {
  version: "TLSv1.3",
  protocolId: "h2",
  serverName: "a.example",
  peer: { commonName: "ann", certificate: Uint8Array.of(0x30, 0) },
};

const SEEDS = [
  Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nearly"),
  Buffer.from("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"),
  Buffer.from("PROXY UNKNOWN what ever\r\n"),
  Buffer.from(encodeProxyHeader({ mode: "conn", ...V4 })!),
  Buffer.from(encodeProxyHeader({ mode: "tls", ...V6, tls: TLS })!),
  Buffer.from(encodeProxyHeader({ mode: "tls-full", ...V4, tls: TLS })!),
  Buffer.from(encodeProxyHeader({ mode: "conn", source: { path: "/a" }, destination: { path: "" } })!),
  // Written by HAProxy 2.6: a checksum, a unique id, and everything that it knows of TLS.
  Buffer.from(
    "0d0a0d0a000d0a515549540a2111008c7f0000017f000001dc92a8cb0300042a92146401000a706f737467726573716c02000a64622e6578616d" +
      "706c6505000c69642d3132372e302e302e3120004d0700000000210007544c5376312e33220006616e6e20c3a92500054543323536240011656364" +
      "73612d776974682d534841323536230016544c535f4145535f3235365f47434d5f534841333834780a",
    "hex",
  ),
];

test(`${ROUNDS} mutated headers`, () => {
  const random = createPrng();
  const kinds = { ok: 0, more: 0, bad: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const seed = SEEDS[random.below(SEEDS.length)]!;
    const bytes = random.below(20) === 0 ? random.bytes(random.below(80)) : mutate(seed, random);
    const told = `seed ${random.seed}, round ${round}: ${bytes.toString("hex")}`;
    const whole = decodeProxyHeader(bytes);
    kinds[whole.kind]++;
    const length = whole.kind === "ok" ? whole.length : 0;
    expect(length, told).toBeLessThanOrEqual(bytes.length);
    // Less of it never says something else, and what follows changes nothing.
    const part = decodeProxyHeader(bytes.subarray(0, random.below(bytes.length + 1)));
    if (part.kind !== "more") expectSame(part, whole, told);
    if (whole.kind === "ok") {
      expect(decodeProxyHeader(bytes.subarray(0, length)), told).toEqual(whole);
      if (length > 0) expect(decodeProxyHeader(bytes.subarray(0, length - 1)), told).toEqual({ kind: "more" });
    }
    if (whole.kind !== "more") expectSame(decodeProxyHeader(Buffer.concat([bytes, random.bytes(4)])), whole, told);
  }
  for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(ROUNDS / 100);
});

/** What is wrong may be told in other words once more has come. */
function expectSame(answer: Decoded<ProxyHeader>, whole: Decoded<ProxyHeader>, told: string): void {
  expect(answer.kind, told).toBe(whole.kind);
  if (whole.kind === "ok") expect(answer, told).toEqual(whole);
}
