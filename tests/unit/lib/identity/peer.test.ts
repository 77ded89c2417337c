/** What a peer is by its certificate, as values and as facts, and that certificates are kept apart by content. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { FACTS } from "../../../../lib/acl/facts.ts";
import { decodePeer, type Peer, peerFacts } from "../../../../lib/identity/peer.ts";
import {
  altNames,
  certificate,
  type CertificateParts,
  commonName,
  der,
  extension,
  join,
  oid,
  rdn,
  sequence,
} from "../../../support/der.ts";

function peerOf(parts: CertificateParts): Peer {
  const decoded = decodePeer(certificate(parts));
  if (decoded.kind === "bad") throw new Error(decoded.reason);
  return decoded.value;
}

const KEY = sequence(sequence(oid("1.3.101.112")), der(0x03, [0], new Uint8Array(32).fill(9)));
const pin = (algorithm: string) => createHash(algorithm).update(KEY).digest("base64");
const ID = "spiffe://td.example/ns/a/sa/b";

const FULL: CertificateParts = {
  serial: der(0x02, [0x0a, 0x01]),
  issuer: join(rdn("2.5.4.10", "Acme, Inc."), commonName("CA")),
  subject: join(rdn("2.5.4.11", "eng"), rdn("2.5.4.11", "ops"), commonName("client")),
  key: KEY,
  extensions: [
    altNames(
      der(0x82, "a.example"),
      der(0x82, "b.example"),
      der(0x86, ID),
      der(0x87, [127, 0, 0, 1]),
      der(0x87, [...new Uint8Array(15), 1]),
      der(0x81, "a@b.example"),
    ),
  ],
};

const FACT_VALUES = {
  cn: "client",
  ou: ["eng", "ops"],
  dns: ["a.example", "b.example"],
  uri: [ID],
  ip_names: ["127.0.0.1", "::1"],
  email: ["a@b.example"],
  spiffe: ID,
  issuer: "CN=CA,O=Acme\\, Inc.",
  serial: "0a01",
  pin: pin("sha256"),
  not_before: Date.UTC(2025, 0, 2, 3, 4, 5),
  not_after: Date.UTC(2035, 0, 2, 3, 4, 5),
};

test("a certificate that says all that there is to say", () => {
  const peer = peerOf(FULL);
  expect(peer).toMatchObject({
    cn: "client",
    ou: ["eng", "ops"],
    dns: ["a.example", "b.example"],
    uri: [ID],
    ip: ["127.0.0.1", "::1"],
    email: ["a@b.example"],
    spiffe: ID,
    subject: "CN=client,OU=ops,OU=eng",
    issuer: "CN=CA,O=Acme\\, Inc.",
    serial: "0a01",
    notBefore: FACT_VALUES.not_before,
    notAfter: FACT_VALUES.not_after,
  });
  expect(peer.der).toEqual(certificate(FULL));
  expect(peer.hasAltNames).toBe(true);
});

test("one that says next to nothing", () => {
  const peer = peerOf({ subject: [], version: [] });
  const { cn, spiffe, subject, hasAltNames } = peer;
  expect({ cn, spiffe, subject, hasAltNames }).toEqual({
    cn: undefined,
    spiffe: undefined,
    subject: "",
    hasAltNames: false,
  });
  expect([peer.ou, peer.dns, peer.uri, peer.ip, peer.email]).toEqual([[], [], [], [], []]);
});

test("of several common names the last counts: it stands nearest to the leaf of the tree", () => {
  expect(peerOf({ subject: join(commonName("Users"), commonName("Jane")) }).cn).toBe("Jane");
});

test("the pin is the digest of the whole public key, by three algorithms", () => {
  const peer = peerOf(FULL);
  expect(peer.pin).toBe(pin("sha256"));
  expect(["sha256", "sha384", "sha512"].map((name) => peer.pinBy(name as "sha256"))).toEqual([
    pin("sha256"),
    pin("sha384"),
    pin("sha512"),
  ]);
});

describe("the SPIFFE ID", () => {
  const uris = (...texts: string[]) => altNames(...texts.map((text) => der(0x86, text)), der(0x82, "a.example"));
  const CA = extension("2.5.29.19", sequence(der(0x01, [0xff])));
  const usage = (bits: number) => extension("2.5.29.15", der(0x03, [0, bits]));

  test.each<[string, Uint8Array[], string | undefined]>([
    ["one URI beside names of other kinds", [uris(ID)], ID],
    ["a key for signatures", [uris(ID), usage(0x80)], ID],
    ["two URIs", [uris(ID, "https://a.example/")], undefined],
    ["the same twice", [uris(ID, ID)], undefined],
    ["a URI that is none", [uris("spiffe://td.example")], undefined],
    ["another URI", [uris("https://td.example/a")], undefined],
    ["no URI", [uris()], undefined],
    ["an authority", [uris(ID), CA], undefined],
    ["a key that signs certificates", [uris(ID), usage(0x84)], undefined],
    ["a key that signs revocations", [uris(ID), usage(0x82)], undefined],
  ])("%s", (_, extensions, spiffe) => expect(peerOf({ extensions }).spiffe).toBe(spiffe));
});

describe("facts", () => {
  test.each(["client", "upstream"] as const)("of the %s are all that the table has for a certificate", (side) => {
    const facts = peerFacts(peerOf(FULL), side);
    const named = Object.entries(FACT_VALUES).map(([name, value]) => [`${side}.${name}`, value]);
    expect(facts).toEqual(Object.fromEntries(named));
    for (const name of Object.keys(facts)) expect(Object.keys(FACTS)).toContain(name);
  });

  test("are made once, and nobody can change them for others", () => {
    const facts = peerFacts(peerOf(FULL), "client");
    expect(peerFacts(peerOf(FULL), "client")).toBe(facts);
    expect(Object.isFrozen(facts)).toBe(true);
    expect(peerFacts(peerOf(FULL), "upstream")).not.toBe(facts);
  });

  test("that a certificate lacks are missing, and lists are empty", () => {
    const facts = peerFacts(peerOf({ subject: [] }), "client");
    expect(facts["client.cn"]).toBeUndefined();
    expect(facts["client.spiffe"]).toBeUndefined();
    expect(facts["client.dns"]).toEqual([]);
  });
});

describe("certificates that were seen", () => {
  test("are the same peer, from whatever buffer", () => {
    const bytes = certificate(FULL);
    const within = join([1, 2, 3], bytes, [4]).subarray(3, 3 + bytes.length);
    expect(peerOf(FULL)).toBe((decodePeer(within) as { value: Peer }).value);
  });

  test("are kept by content: one changed bit is another peer", () => {
    const other = peerOf({ ...FULL, serial: der(0x02, [0x0a, 0x00]) });
    expect(other).not.toBe(peerOf(FULL));
    expect(other.serial).toBe("0a00");
  });

  test("do not change with the buffer that they came in", () => {
    const bytes = certificate({ ...FULL, serial: der(0x02, [0x33]) });
    const before = (decodePeer(bytes) as { value: Peer }).value;
    const expected = bytes.slice();
    bytes.fill(0);
    expect(before.der).toEqual(expected);
    expect(before.pin).toBe(pin("sha256"));
  });

  test("are forgotten after a thousand others, and read again", () => {
    const first = peerOf(FULL);
    for (let i = 0; i < 2_000; i++) peerOf({ serial: der(0x02, [0x40, i >> 8, i & 255]) });
    const again = peerOf(FULL);
    expect(again).not.toBe(first);
    expect(again.cn).toBe("client");
  });

  test("are read each time where they are long", () => {
    const long: CertificateParts = { unique: der(0x81, [0], new Uint8Array(5_000)) };
    expect(peerOf(long)).not.toBe(peerOf(long));
    expect(peerOf(long).cn).toBe("a subject");
  });

  test("stay while they are used", () => {
    const first = peerOf(FULL);
    for (let i = 0; i < 2_000; i++) {
      peerOf({ serial: der(0x02, [0x41, i >> 8, i & 255]) });
      if (i % 500 === 0) peerOf(FULL);
    }
    expect(peerOf(FULL)).toBe(first);
  });
});

test("what is no certificate is no peer", () => {
  expect(decodePeer(new Uint8Array(40))).toEqual({ kind: "bad", reason: expect.any(String) });
  expect(decodePeer(certificate({ subject: commonName("a\0") }))).toMatchObject({ kind: "bad" });
});
