/** `pkcs11:` URIs against the examples of RFC 7512 section 3 and the rules of section 2.3. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatPkcs11Uri, parsePkcs11Uri, type Pkcs11Uri } from "../../lib/wire/pkcs11-uri.ts";

function parsed(text: string): Pkcs11Uri {
  const result = parsePkcs11Uri(text);
  if (result.kind === "bad") throw new Error(result.reason);
  return result.value;
}

function refusal(text: string): string | undefined {
  const result = parsePkcs11Uri(text);
  return result.kind === "bad" ? result.reason : undefined;
}

const SECTION_3: [uri: string, means: Pkcs11Uri][] = [
  ["pkcs11:", {}],
  ["pkcs11:object=my-pubkey;type=public", { object: "my-pubkey", type: "public" }],
  [
    "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
    { object: "my-key", type: "private", pinSource: "file:/etc/token" },
  ],
  [
    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
    {
      token: "The Software PKCS#11 Softtoken",
      manufacturer: "Snake Oil, Inc.",
      model: "1.0",
      object: "my-certificate",
      type: "cert",
      id: Uint8Array.of(0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91),
      serial: "",
      pinSource: "file:/etc/token_pin",
    },
  ],
  [
    "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
    { object: "my-sign-key", type: "private", moduleName: "mypkcs11" },
  ],
  [
    "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
    { object: "my-sign-key", type: "private", modulePath: "/mnt/libmypkcs11.so.1" },
  ],
  [
    "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin",
    { token: "Software PKCS#11 softtoken", manufacturer: "Snake Oil, Inc.", pinValue: true },
  ],
  ["pkcs11:slot-description=Sun%20Metaslot", { slotDescription: "Sun Metaslot" }],
  [
    "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23",
    {
      libraryManufacturer: "Snake Oil, Inc.",
      libraryDescription: "Soft Token Library",
      libraryVersion: { major: 1, minor: 23 },
    },
  ],
  [
    "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06",
    {
      token: "My token% created by Joe",
      libraryVersion: { major: 3, minor: 0 },
      id: Uint8Array.of(1, 2, 3, 0xba, 0xdd, 0xca, 0xfe, 4, 5, 6),
    },
  ],
  [
    "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
    { token: "A name with a substring %;", object: "my-certificate", type: "cert" },
  ],
  [
    "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert",
    { token: "Name with a small A with acute: á", object: "my-certificate", type: "cert" },
  ],
  [
    "pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a?pin-source=file:/etc/token_pin&vendor-bbb=value-b",
    {
      token: "my-token",
      object: "my-certificate",
      type: "cert",
      vendor: ["vendor-aaa", "vendor-bbb"],
      pinSource: "file:/etc/token_pin",
    },
  ],
];

describe("the examples of section 3", () => {
  test.each(SECTION_3)("%s", (text, means) => {
    expect(parsed(text)).toEqual(means);
  });

  test.each(SECTION_3)("mean the same when they are printed: %s", (text) => {
    const { pinValue: _pin, vendor: _vendor, ...kept } = parsed(text);
    expect(parsed(formatPkcs11Uri(kept))).toEqual(kept);
  });
});

describe("what section 2.3 does not have is refused", () => {
  test.each([
    ["http://example.org/", "does not begin with pkcs11:"],
    ["pkcs11:token=a;token=b", "has token twice"],
    ["pkcs11:token=a;", "NAME=VALUE"],
    ["pkcs11:token", "NAME=VALUE"],
    ["pkcs11:token=a b", "a character in token"],
    ["pkcs11:token=a/b", "a character in token"],
    ["pkcs11:token=%4", "a character in token"],
    ["pkcs11:token=%ff", "a value of token that is no text"],
    ["pkcs11:token=a%00b", "a value of token that is no text"],
    ["pkcs11:type=key", "a type other than"],
    ["pkcs11:slot-id=x", "a slot-id that is no number"],
    ["pkcs11:library-version=1.2.3", "a library-version"],
    ["pkcs11:token=a?pin-source=a&pin-source=b", "has pin-source twice"],
    ["pkcs11:token=a;pin-value=1234", "has pin-value before the ?"],
    ["pkcs11:token=a?module-path=/a;b", "a character in module-path"],
  ])("%s", (text, reason) => {
    expect(refusal(text)).toContain(reason);
  });

  test("without a part of the PIN in the refusal", () => {
    expect(refusal("pkcs11:token=a?pin-value=s3cr%t")).not.toContain("s3cr");
  });
});

test("the scheme is told without regard to case", () => {
  expect(parsed("PKCS11:token=a")).toEqual({ token: "a" });
});

test("what is printed means what was meant, whatever the bytes", () => {
  const text = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll("\0", ""));
  const uris = fc.record({ token: text, object: text, modulePath: text, id: fc.uint8Array() });
  fc.assert(fc.property(uris, (uri) => expect(parsed(formatPkcs11Uri(uri))).toEqual(uri)));
});
