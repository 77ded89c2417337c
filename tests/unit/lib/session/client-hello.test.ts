/** A hello is read and left where it is; what is none is refused with the alert for it. */
import { expect, test } from "bun:test";
import { HelloReader } from "../../../../lib/session/client-hello.ts";
import { encodeAlert } from "../../../../lib/wire/tls-alert.ts";
import { helloOfSize, helloRecord, inRecords, protocolIds, serverName, vector3 } from "../../../support/make-hello.ts";

test("byte by byte, with all bytes behind it", () => {
  const bytes = helloRecord({ extensions: [serverName("a.example"), protocolIds("h2")] });
  const reader = new HelloReader();
  expect(reader.start()).toEqual([]);
  for (const byte of bytes.subarray(0, -1)) expect(reader.receive(Uint8Array.of(byte))).toEqual([]);
  const [step] = reader.receive(Uint8Array.of(bytes.at(-1)!, 1, 2));
  expect(step).toMatchObject({ type: "done", value: { serverName: "a.example", protocolIds: ["h2"] } });
  expect(step!.type === "done" && Buffer.from(step!.rest)).toEqual(Buffer.concat([bytes, Uint8Array.of(1, 2)]));
  expect(reader.receive(Uint8Array.of(3))).toEqual([]);
});

test("what is too long is told so, at its head", () => {
  const reader = new HelloReader(1000);
  const steps = reader.receive(inRecords(vector3(helloOfSize(1001))).subarray(0, 9));
  expect(steps).toMatchObject([{ type: "fail", code: "hello_too_long", bytes: encodeAlert("illegal_parameter") }]);
});

test("what is no TLS is told nothing", () => {
  const [step] = new HelloReader().receive(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  expect(step).toEqual({ type: "fail", code: "hello_not_tls", reason: "this is no TLS" });
});

test("a client that leaves in the middle", () => {
  const reader = new HelloReader();
  reader.receive(helloRecord().subarray(0, 20));
  expect(reader.ended()).toMatchObject({ type: "fail", code: "hello_cut" });
});
