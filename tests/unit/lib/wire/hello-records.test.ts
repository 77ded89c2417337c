/** Records of a hello: their sizes and limits, what is refused and when. */
import { describe, expect, test } from "bun:test";
import { HelloRecords, LONGEST_HELLO, USUAL_HELLO } from "../../../../lib/wire/hello-records.ts";
import { encodeAlert, FAULT_ALERTS } from "../../../../lib/wire/tls-alert.ts";
import { helloBody, helloOfSize, helloRecord, inRecords, record, vector3 } from "../../../support/make-hello.ts";
import { hex } from "../../../conformance/three-ways.ts";

/** How many bytes it took until the answer, and what it was. */
function fed(stream: Uint8Array, limit?: number): [number, string] {
  const records = new HelloRecords(limit);
  for (let length = 0; length <= stream.length; length++) {
    const answer = records.read(stream.subarray(0, length));
    if (answer.kind !== "more") return [length, answer.kind === "ok" ? "ok" : answer.code];
  }
  return [stream.length, "more"];
}

describe("the limit", () => {
  test.each([USUAL_HELLO, LONGEST_HELLO, 300])("%d bytes are taken, one more is refused from its head on", (limit) => {
    const most = inRecords(vector3(helloOfSize(limit)));
    expect(new HelloRecords(limit).read(most).kind).toBe("ok");
    const over = inRecords(vector3(helloOfSize(limit + 1)));
    expect(fed(over, limit)).toEqual([9, "hello_too_long"]);
  });

  test("is of bytes of the hello: a thousand records are taken, and then no more", () => {
    const message = vector3(helloOfSize(1000));
    expect(new HelloRecords().read(inRecords(message, 1)).kind).toBe("ok");
    const many = inRecords(vector3(helloOfSize(2000)), 1);
    expect(fed(many)[1]).toBe("hello_too_long");
    expect(fed(many)[0]).toBeLessThan(6 * 1025);
  });
});

describe("refused as soon as it is known", () => {
  const whole = helloRecord();
  test.each([
    ["HTTP", hex("474554202f"), 1, "hello_not_tls"],
    ["SSL 2", hex("802b010301"), 1, "hello_not_tls"],
    ["an alert", hex("15030100020100"), 1, "hello_not_tls"],
    ["a record of version 2", hex("160201"), 2, "hello_not_tls"],
    ["an empty record", hex("1603010000"), 5, "hello_record"],
    ["a record above 16 KiB", hex("1603014001"), 5, "hello_record"],
    ["a ServerHello", hex("160301000a02"), 6, "hello_message"],
    [
      "another record between two of the hello",
      Buffer.concat([inRecords(vector3(helloBody()), 20).subarray(0, 25), hex("17")]),
      26,
      "hello_record",
    ],
    [
      "a version of nothing between two",
      Buffer.concat([inRecords(vector3(helloBody()), 20).subarray(0, 25), hex("1602")]),
      27,
      "hello_record",
    ],
    [
      "a message behind the hello in its record",
      record(Buffer.concat([vector3(helloBody()), hex("01")])),
      9,
      "hello_message",
    ],
    ["a hello that is none", record(vector3(new Uint8Array(4))), 13, "hello_malformed"],
  ] as const)("%s", (_, bytes, from, code) => expect(fed(bytes)).toEqual([from, code]));

  test("but what is in other records behind it is not its business", () => {
    expect(fed(Buffer.concat([whole, hex("ff")]))).toEqual([whole.length, "ok"]);
  });
});

test("alerts are records of their own", () => {
  expect(encodeAlert("no_application_protocol")).toEqual(hex("15030100020278"));
  expect(encodeAlert("unrecognized_name")).toEqual(hex("15030100020270"));
  expect(FAULT_ALERTS.hello_not_tls).toBeUndefined();
});
