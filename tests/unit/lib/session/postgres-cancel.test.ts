/** The key that cancels a session: learnt from what a server says, found again in what a client sends. */
import { describe, expect, test } from "bun:test";
import {
  CancelKeyScan,
  CancelReader,
  decodeCancelRequest,
  StartupReader,
} from "../../../../lib/session/postgres-cancel.ts";
import { expectReads, hex } from "../../../conformance/three-ways.ts";

const AUTH_OK = "52 00000008 00000000";
const PARAMETER = "53 00000016 7365727665725f76657273696f6e00 313500";
const KEY = "4b 0000000c 000004d2 0badcafe";
const READY = "5a 00000005 49";

function scanned(digits: string, size: number): CancelKeyScan {
  const scan = new CancelKeyScan();
  const bytes = hex(digits);
  for (let at = 0; at < bytes.length; at += size) scan.read(bytes.slice(at, at + size));
  return scan;
}

describe("a server's words", () => {
  test.each([1, 2, 3, 7, 1000])("in pieces of %d bytes", (size) => {
    const scan = scanned(`${AUTH_OK}${PARAMETER}${KEY}${READY}`, size);
    expect([scan.key, scan.over]).toEqual(["000004d20badcafe", true]);
  });

  test("a long key of protocol 3.2", () => {
    expect(scanned(`4b 00000018 00000001 ${"ab".repeat(16)}`, 5).key).toBe(`00000001${"ab".repeat(16)}`);
  });

  test.each([
    ["ready without a key", `${AUTH_OK}${READY}${KEY}`],
    ["an error", `45 00000006 5300 ${KEY}`],
    ["a length that is none", `52 00000003 ${KEY}`],
  ])("no key: %s", (_, digits) => {
    const scan = scanned(digits, 4);
    expect([scan.key, scan.over]).toEqual([undefined, true]);
  });

  test("what goes on for too long is left alone", () => {
    const scan = new CancelKeyScan();
    scan.read(hex("53 7fffffff"));
    expect(scan.over).toBe(false);
    scan.read(new Uint8Array(64 * 1024));
    expect([scan.key, scan.over]).toEqual([undefined, true]);
  });
});

describe("a client's request", () => {
  test("holds the same key", () => {
    expectReads(decodeCancelRequest, hex("00000010 04d2162e 000004d2 0badcafe"), "000004d20badcafe");
  });

  test("nothing else is one", () => {
    expect(decodeCancelRequest(hex("00000008 04d2162f"))).toMatchObject({ kind: "bad" });
    expect(decodeCancelRequest(hex("0000000c 04d2162e"))).toMatchObject({ kind: "bad" });
  });

  test("is read and left where it is", () => {
    const bytes = hex("00000010 04d2162e 000004d2 0badcafe");
    const reader = new CancelReader();
    expect(reader.receive(bytes.slice(0, 12))).toEqual([]);
    const [step] = reader.receive(bytes.slice(12));
    expect(step).toMatchObject({ type: "done", value: "000004d20badcafe" });
    expect(step!.type === "done" && Uint8Array.from(step!.rest)).toEqual(bytes);
    expect(new CancelReader().ended()).toMatchObject({ type: "fail", code: "postgres_malformed" });
  });
});

describe("a client whose TLS has ended", () => {
  const read = (digits: string, size: number, ends = false) => {
    const reader = new StartupReader();
    const bytes = hex(digits);
    const steps = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      reader.receive(bytes.slice(i * size, (i + 1) * size)),
    ).flat();
    return ends ? reader.ended() : steps[0];
  };
  const CANCEL = "00000010 04d2162e 000004d2 0badcafe";

  test.each([1, 5, 16])("cancels, in pieces of %d bytes", (size) => {
    expect(read(CANCEL, size)).toEqual({ type: "done", value: "000004d20badcafe", rest: hex(CANCEL) });
  });

  test.each([
    ["begins a session", "00000009 00030000 00", 8],
    ["asks for something else", "00000008 04d2162f", 8],
    ["speaks something else", "47455420 2f", 1],
  ])("%s: nothing of it is lost", (_, digits, taken) => {
    expect(read(digits, taken)).toEqual({ type: "done", value: undefined, rest: hex(digits).subarray(0, taken) });
  });

  test("leaves in the middle", () => {
    expect(read("00000010 04d2162e 00", 2, true)).toEqual({
      type: "done",
      value: undefined,
      rest: hex("00000010 04d2162e 00"),
    });
  });
});
