/** What a server's hello says, by the traces of RFC 8448: a full handshake, a resumed one, and one after a retry. */
import { describe, expect, test } from "bun:test";
import { agreementText, readServerHello } from "../../../bench/load/server-hello.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const record = (message: Buffer, type = 22) =>
  Buffer.concat([Buffer.of(type, 3, 3, message.length >> 8, message.length & 255), message]);

/** Section 3. */
const FULL = hex(`
  0200005603 03a6af06a412 1860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e26928 0013010000 2e
  00330024001d0020 c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f 002b00020304`);
/** Section 4. */
const RESUMED = hex(`
  0200005c03 033ccfd2dec890222763472ae8136777c9d7358777bb66e91ea5122495f559ea2d 0013010000 34
  002900020000 00330024001d0020 121761ee42c333e1b9e77b60dd57c2053cd94512ab47f115e86eff50942cea31 002b00020304`);
/** Section 5: the HelloRetryRequest, and the ServerHello that follows. */
const RETRY = hex(`
  020000ac03 03cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c 0013010000 84
  003300020017 002c0074 007271dcd04bb88bc3189119398a00000000eefafc76c146b823b096f8aacad365dd0030953f4edf625636
  e5f21bb2e23fcc654b1b5b40318d10d137abcbb87574e36e8a1f025f7dfa5d6e50781b5eda4aa15b0c8be778257d16aa3030e9e7841d
  d9e4c0342267e8ca0caf571fb2b7cff0f934b0 002b00020304`);
const AFTER_RETRY = hex(`
  0200007703 03bb341d847fd789c47c387172dc0c9bf147fccacb5043d86ca4c598d3ff571b98 0013010000 4f
  003300450017 0041 04583e054b7a66672ae020ad9d2686fcc85b5ad41a134a0f03ee72b893052bd85b4c8de6776f5b04ac07d83540
  eab3e3d9c547bc6528c4317d294686093a6cad7d 002b00020304`);
const CHANGE_CIPHER_SPEC = record(Buffer.of(1), 20);

const agreement = { suite: 0x1301, group: 29, resumed: false, retried: false };

describe("the traces of RFC 8448", () => {
  test.each([
    ["full", record(FULL), agreement],
    ["resumed", record(RESUMED), { ...agreement, resumed: true }],
    [
      "retried",
      Buffer.concat([record(RETRY), CHANGE_CIPHER_SPEC, record(AFTER_RETRY)]),
      { ...agreement, group: 23, retried: true },
    ],
  ])("%s, at every split", (_, bytes, expected) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(readServerHello(bytes.subarray(0, length))).toEqual({ kind: "more" });
    }
    const whole = Buffer.concat([bytes, CHANGE_CIPHER_SPEC]);
    expect(readServerHello(whole)).toEqual({ kind: "agreement", agreement: expected });
  });
});

test("an older version is not TLS 1.3, however it is said", () => {
  const older = Buffer.from(FULL);
  older[older.length - 1] = 3;
  expect(readServerHello(record(older))).toEqual({ kind: "other" });
  const silent = Buffer.from(FULL);
  // Another extension in the place of supported_versions.
  silent[silent.length - 5] = 0x2c;
  expect(readServerHello(record(silent))).toEqual({ kind: "other" });
});

test("an alert, another protocol and a broken hello are none", () => {
  expect(readServerHello(record(Buffer.of(2, 40), 21))).toEqual({ kind: "other" });
  expect(readServerHello(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))).toEqual({ kind: "other" });
  expect(readServerHello(record(FULL.subarray(0, 60)))).toEqual({ kind: "other" });
  for (let at = 38; at < FULL.length; at++) {
    const broken = Buffer.from(FULL);
    broken[at] = 255;
    expect(["other", "agreement"]).toContain(readServerHello(record(broken)).kind);
  }
});

test("an agreement is named, or numbered", () => {
  expect(agreementText(agreement)).toBe("AES-128-GCM, X25519");
  expect(agreementText({ ...agreement, group: 4588, retried: true })).toBe(
    "AES-128-GCM, X25519MLKEM768, after a retry",
  );
  expect(agreementText({ ...agreement, suite: 0x1399, group: 7 })).toBe("suite 0x1399, group 7");
  expect(agreementText({ ...agreement, group: undefined })).toBe("AES-128-GCM, no key share");
});
