/** Times of certificates: the two forms of RFC 5280, the turn of the century in each, and nothing else. */
import { describe, expect, test } from "bun:test";
import { DerError, DerReader } from "../../../../lib/wire/der.ts";
import { timeOf } from "../../../../lib/wire/x509-time.ts";
import { der } from "../../../support/der.ts";

const time = (tag: number, text: string) => timeOf(new DerReader(der(tag, text)).next());

test.each([
  [0x17, "700101000000Z", "1970-01-01T00:00:00Z"],
  [0x17, "491231235959Z", "2049-12-31T23:59:59Z"],
  [0x17, "500101000000Z", "1950-01-01T00:00:00Z"],
  [0x17, "000229120000Z", "2000-02-29T12:00:00Z"],
  [0x18, "20500101000000Z", "2050-01-01T00:00:00Z"],
  [0x18, "20240229235959Z", "2024-02-29T23:59:59Z"],
  [0x18, "99991231235959Z", "9999-12-31T23:59:59Z"], // RFC 5280 section 4.1.2.5: no end that is known
  [0x18, "00500101000000Z", "0050-01-01T00:00:00Z"],
  [0x18, "00000229000000Z", "0000-02-29T00:00:00Z"],
])("%d %s", (tag, text, iso) => expect(time(tag, text)).toBe(Date.parse(iso)));

describe("refused", () => {
  test.each([
    ["without seconds", 0x17, "7001010000Z"],
    ["with an offset", 0x17, "700101000000+0000"],
    ["without a zone", 0x17, "7001010000000"],
    ["lower-case z", 0x17, "700101000000z"],
    ["four digits of a year as UTCTime", 0x17, "19700101000000Z"],
    ["two digits of a year as GeneralizedTime", 0x18, "700101000000Z"],
    ["a fraction", 0x18, "20500101000000.5Z"],
    ["a sign", 0x17, "70-101000000Z"],
    ["a space", 0x17, " 00101000000Z"],
    ["month 0", 0x17, "700001000000Z"],
    ["month 13", 0x17, "701301000000Z"],
    ["day 0", 0x17, "700100000000Z"],
    ["31 April", 0x17, "700431000000Z"],
    ["29 February of a common year", 0x17, "230229000000Z"],
    ["29 February 2100", 0x18, "21000229000000Z"],
    ["hour 24", 0x17, "700101240000Z"],
    ["minute 60", 0x17, "700101006000Z"],
    ["a leap second", 0x17, "161231235960Z"],
    ["nothing", 0x17, ""],
    ["another type", 0x13, "700101000000Z"],
  ])("%s", (_, tag, text) => expect(() => time(tag, text)).toThrow(DerError));
});
