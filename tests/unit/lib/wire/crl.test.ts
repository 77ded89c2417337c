/** Revocation lists of openssl: issuer and times, and that damaged ones are bad. */
import { describe, expect, test } from "bun:test";
import { decodeCrl } from "../../../../lib/wire/crl.ts";
import { needing } from "../../../support/needs.ts";
import { authority, derOf, openssl } from "../../../support/pki.ts";

needing("revocation lists are read", ["openssl"], () => {
  const ca = authority("", { subject: "/O=Example, Inc./CN=Root" });
  const pem = ca.crl({ revoked: [ca.issue()], from: -1, to: 7 });

  test("as openssl reads them", () => {
    const decoded = decodeCrl(derOf(pem));
    if (decoded.kind !== "ok") throw new Error(decoded.reason);
    const { issuer, thisUpdate, nextUpdate } = decoded.value;
    const [name, last, next] = openssl(
      ["crl", "-noout", "-issuer", "-lastupdate", "-nextupdate", "-nameopt", "RFC2253"],
      pem,
    )
      .trim()
      .split("\n")
      .map((line) => line.slice(line.indexOf("=") + 1));
    expect(issuer.text).toBe(name!);
    expect([thisUpdate, nextUpdate]).toEqual([Date.parse(last!), Date.parse(next!)]);
  });

  describe("and refused", () => {
    const der = derOf(pem);
    test.each([
      ["cut off", der.slice(0, -1)],
      ["with more behind", Buffer.concat([der, Uint8Array.of(0)])],
      ["that are certificates", ca.der],
      ["that are nothing", new Uint8Array(0)],
    ])("%s", (_, bytes) => expect(decodeCrl(bytes).kind).toBe("bad"));
  });
});
