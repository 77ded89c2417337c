/** Mutated certificates: each is read or refused as a value, nothing bad comes through, and BoringSSL agrees on what it takes too. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { Peer, peerFacts } from "../../lib/identity/peer.ts";
import { checkServerName } from "../../lib/identity/server-name.ts";
import { DerReader } from "../../lib/wire/der.ts";
import { decodeCertificate } from "../../lib/wire/x509.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { altNames, certificate, commonName, der, extension, join, oid, rdn, sequence } from "../support/der.ts";

setDefaultTimeout(3_600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 2_000_000 : 40_000;

/** Self-signed by openssl(1) 3.0: P-256, the usual extensions. */
const BY_OPENSSL = [
  "MIICizCCAjGgAwIBAgIUd6+1s9GqU9aXxFcb+DVLUnz1CvUwCgYIKoZIzj0EAwIwUTELMAkGA1UEBhMCQ0ExDTALBgNVBAoMBEFjbWUxDDAKBgNV",
  "BAsMA2VuZzEMMAoGA1UECwwDb3BzMRcwFQYDVQQDDA5jbGllbnQuZXhhbXBsZTAeFw0yNjExMjYwNTAyMTVaFw0yNjEyMjYwNTAyMTVaMFExCzAJ",
  "BgNVBAYTAkNBMQ0wCwYDVQQKDARBY21lMQwwCgYDVQQLDANlbmcxDDAKBgNVBAsMA29wczEXMBUGA1UEAwwOY2xpZW50LmV4YW1wbGUwWTATBgcq",
  "hkjOPQIBBggqhkjOPQMBBwNCAAQLrLNpDx0mGU+Uq0I8Bb6owcu1o0FnKG06DBzsml9dBdou90D1ojDzI9q7t4V5pkroPKywjsM3mHwrihv90dCb",
  "o4HmMIHjMB0GA1UdDgQWBBTGqlD7xqEUAn1J0lPeAyBXHDmU0jAfBgNVHSMEGDAWgBTGqlD7xqEUAn1J0lPeAyBXHDmU0jBnBgNVHREEYDBegg5j",
  "bGllbnQuZXhhbXBsZYIJYi5leGFtcGxlhhxzcGlmZmU6Ly9hY21lLnRlc3QvbnMveC9zYS95hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABgQthQGIu",
  "ZXhhbXBsZTAdBgNVHSUEFjAUBggrBgEFBQcDAgYIKwYBBQUHAwEwCwYDVR0PBAQDAgeAMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIg",
  "RyWHxiDml6gbXo0GrJ+mR/ROqEgx81Xu8OZMi82hDK8CIQDILbzyO+L/WDC1vK9Hstby7Lu84SJOwPehwkoXGlNk5g==",
].join("");

const usage = extension("2.5.29.15", der(0x03, [7, 0x80]), der(0x01, [0xff]));
const purposes = extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2")));
const constraints = extension("2.5.29.19", sequence(der(0x01, [0xff]), der(0x02, [3])));
const SEEDS = [
  new Uint8Array(Buffer.from(BY_OPENSSL, "base64")),
  certificate(),
  certificate({ version: [] }),
  certificate({
    subject: join(
      rdn("2.5.4.10", "Acme", 0x13),
      rdn("2.5.4.11", [0, 0x61], 0x1e),
      commonName("zoé"),
      commonName("b", 0x14),
    ),
    extensions: [usage, purposes, constraints, altNames(der(0x82, "a.example"), der(0x82, "*.b.example"))],
  }),
  certificate({
    serial: der(0x02, [0x80, 1, 2, 3]),
    notAfter: der(0x18, "20510102030405Z"),
    extensions: [
      altNames(
        der(0x86, "spiffe://td.example/ns/a"),
        der(0x87, [192, 0, 2, 1]),
        der(0x87, new Uint8Array(16)),
        der(0x81, "a@b.example"),
        der(0xa0, oid("1.2.3"), der(0xa0, der(0x0c, "x"))),
        der(0xa4, sequence(commonName("x"))),
      ),
    ],
  }),
];

/** Where elements begin, at any depth. */
function headers(reader: DerReader, found: number[] = []): number[] {
  while (!reader.done) {
    const element = reader.next();
    found.push(element.from);
    if ((element.tag & 0x20) !== 0) headers(DerReader.within(element), found);
  }
  return found;
}

const PLACES = SEEDS.map((seed) => headers(new DerReader(seed)));

const BYTES = [0, 1, 0x0a, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff];

/** One change: at the header of an element in a third of all cases, else anywhere; most keep the length. */
function change(bytes: number[], places: readonly number[], random: Prng): void {
  const at =
    random.below(3) === 0 ? places[random.below(places.length)]! + random.below(3) : random.below(bytes.length);
  const kind = random.below(14);
  if (kind === 0) bytes[at] = random.below(256);
  else if (kind === 1) bytes[at] = BYTES[random.below(BYTES.length)]!;
  else if (kind === 2) bytes[at]! ^= 1 << random.below(8);
  else if (kind === 3) bytes.splice(at, 1 + random.below(8));
  else if (kind === 4) bytes.splice(at, 0, ...random.bytes(1 + random.below(8)));
  else if (kind === 5) bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random.below(64)));
  else if (kind === 6) bytes.length = random.below(bytes.length + 1);
  else bytes[at] = (bytes[at] ?? 0) + 1 - random.below(3) * 2;
}

function mutated(random: Prng): Uint8Array {
  const which = random.below(SEEDS.length);
  const bytes = [...SEEDS[which]!];
  for (let changes = random.below(3); changes >= 0 && bytes.length > 0; changes--)
    change(bytes, PLACES[which]!, random);
  return Uint8Array.from(bytes.map((byte) => byte & 0xff));
}

const CLEAN = /^[\x20-\x7e]+$/;
const NO_CONTROL = /^[^\x00-\x1f\x7f-\x9f]*$/;

/** Holds what was taken against what a name may be, and uses all of it. */
function expectClean(peer: Peer, told: string): void {
  for (const name of [...peer.dns, ...peer.uri, ...peer.email, ...peer.ip]) expect(name, told).toMatch(CLEAN);
  for (const name of [peer.cn ?? "", ...peer.ou, peer.subject, peer.issuer]) expect(name, told).toMatch(NO_CONTROL);
  expect(peer.serial, told).toMatch(/^-?(?:[0-9a-f]{2})+$/);
  expect(Number.isSafeInteger(peer.notBefore) && Number.isSafeInteger(peer.notAfter), told).toBe(true);
  expect(peerFacts(peer, "client")["client.pin"], told).toHaveLength(44);
  checkServerName(peer, "a.example", { cnWithoutSan: true });
}

/** Where BoringSSL takes the certificate as well, it must have read the same. */
function compare(peer: Peer, told: string): boolean {
  let theirs: X509Certificate;
  try {
    theirs = new X509Certificate(peer.der);
  } catch {
    return false;
  }
  expect(peer.serial.replace(/^(-?)0+(?=.)/, "$1"), told).toBe(
    theirs.serialNumber.toLowerCase().replace(/^(-?)0+(?=.)/, "$1"),
  );
  if (peer.notAfter >= 0) expect(peer.notAfter, told).toBe(Date.parse(theirs.validTo));
  // It takes back what an authority may do where other extensions are malformed; it gives nothing that is not there.
  if (theirs.ca) expect(peer.certificate.ca, told).toBe(true);
  for (const name of peer.dns.filter((name) => /^[\w.*-]+$/.test(name)))
    expect(theirs.subjectAltName, told).toContain(`DNS:${name}`);
  return true;
}

test(`${ROUNDS} mutated certificates`, () => {
  const random = createPrng();
  const count = { ok: 0, bad: 0, both: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutated(random);
    const told = `seed ${random.seed}, ${Buffer.from(bytes).toString("base64")}`;
    const decoded = decodeCertificate(bytes);
    count[decoded.kind]++;
    if (decoded.kind === "bad") continue;
    const peer = new Peer(decoded.value);
    expectClean(peer, told);
    if (compare(peer, told)) count.both++;
  }
  expect(count.ok).toBeGreaterThan(ROUNDS / 20);
  expect(count.bad).toBeGreaterThan(ROUNDS / 4);
  expect(count.both).toBeGreaterThan(ROUNDS / 40);
});

test("the seeds are certificates, cut off anywhere they are none", () => {
  for (const seed of SEEDS) {
    expect(decodeCertificate(seed).kind).toBe("ok");
    for (let length = 0; length < seed.length; length++)
      expect(decodeCertificate(seed.subarray(0, length)).kind).toBe("bad");
  }
});

test("bytes that are nothing, and elements within elements without an end", () => {
  const random = createPrng();
  for (let round = 0; round < ROUNDS / 10; round++)
    expect(decodeCertificate(random.bytes(random.below(300))).kind).toBe("bad");
  for (const tag of [0x30, 0x31, 0xa0, 0xa3]) {
    const deep = new Uint8Array(4_000_000).fill(tag);
    expect(decodeCertificate(deep).kind).toBe("bad");
    let nested = der(0x05);
    while (nested.length < 4_000) nested = der(tag, nested);
    expect(decodeCertificate(nested).kind).toBe("bad");
    expect(decodeCertificate(certificate({ subject: nested })).kind).toBe("bad");
  }
});
