/** Varlink messages as varlink.org has them: whole, at every split, too long, and broken in every way that is named. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeCall,
  decodeReply,
  encodeCall,
  encodeError,
  encodeReply,
  VarlinkBreach,
  VarlinkFrames,
} from "../../../../lib/wire/varlink.ts";

const bytes = (text: string) => Buffer.from(text, "utf8");

describe("a stream", () => {
  const stream = bytes('{"a":1}\0\0{"b":"\u00e9"}\0{"c"');

  test("is taken apart alike at every split", () => {
    for (let at = 0; at <= stream.length; at++) {
      const frames = new VarlinkFrames(100);
      const pushed = [stream.subarray(0, at), stream.subarray(at)].flatMap((part) => frames.push(part) as Uint8Array[]);
      expect(pushed.map((one) => Buffer.from(one).toString())).toEqual(['{"a":1}', "", '{"b":"\u00e9"}']);
      expect(frames.begun).toBe(4);
    }
  });

  test("a byte at a time", () => {
    const frames = new VarlinkFrames(100);
    const pushed = [...stream].flatMap((byte) => frames.push(Uint8Array.of(byte)) as Uint8Array[]);
    expect(pushed).toHaveLength(3);
  });

  test("a message may be as long as it may be, and not a byte longer", () => {
    const most = new VarlinkFrames(1000);
    expect(most.push(Buffer.concat([Buffer.alloc(1000, 65), bytes("\0")]))).toHaveLength(1);
    expect(most.push(Buffer.alloc(1000, 65))).toEqual([]);
    expect(most.push(bytes("A"))).toBeInstanceOf(VarlinkBreach);
    expect(new VarlinkFrames(1000).push(Buffer.alloc(5000, 65))).toBeInstanceOf(VarlinkBreach);
  });

  test("what was taken is not changed by what comes after", () => {
    const frames = new VarlinkFrames(100);
    const [first] = frames.push(bytes("first\0")) as Uint8Array[];
    frames.push(bytes("SECOND\0"));
    expect(Buffer.from(first!).toString()).toBe("first");
  });
});

describe("a call", () => {
  const NOTHING = { more: false, oneway: false, upgrade: false };

  test.each([
    [
      '{"method":"org.varlink.service.GetInfo"}',
      { interface: "org.varlink.service", method: "GetInfo", parameters: {} },
    ],
    ['{"method":"a.b.C","parameters":null,"more":null}', { interface: "a.b", method: "C", parameters: {} }],
    [
      '{"method":"fr.gouv.portail.Control.X1","parameters":{"a":[1]},"more":true}',
      { parameters: { a: [1] }, more: true },
    ],
    ['{"method":"xn--lgbbat1ad8j.example.C","oneway":true}', { interface: "xn--lgbbat1ad8j.example", oneway: true }],
    ['{"method":"a-1.b--2.C","upgrade":true}', { interface: "a-1.b--2", upgrade: true }],
  ])("%s", (text, expected) => {
    expect(decodeCall(bytes(text))).toMatchObject({ ...NOTHING, ...expected });
  });

  test.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["[]", "no object"],
    ["null", "no object"],
    ['"a.b.C"', "no object"],
    ["{}", "without the name"],
    ['{"method":1}', "without the name"],
    ['{"method":"C"}', "without the name"],
    ['{"method":"a.C"}', "without the name"],
    ['{"method":"a.b.c"}', "without the name"],
    ['{"method":"a..C"}', "without the name"],
    ['{"method":"1a.b.C"}', "without the name"],
    ['{"method":"a.b-.C"}', "without the name"],
    ['{"method":"a.b.C\\n"}', "without the name"],
    [`{"method":"a.${"b".repeat(300)}.C"}`, "without the name"],
    ['{"method":"a.b.C","parameters":[]}', "no object"],
    ['{"method":"a.b.C","parameters":"x"}', "no object"],
    ['{"method":"a.b.C","more":1}', "neither true nor false"],
    ['{"method":"a.b.C","oneway":"true"}', "neither true nor false"],
    ['{"method":"a.b.C","more":true,"oneway":true}', "exclude each other"],
    ['{"method":"a.b.C","more":true,"upgrade":true}', "exclude each other"],
    ['{"method":"a.b.C","flags":1}', 'a field "flags"'],
    [`{"method":"a.b.C","parameters":${"[".repeat(60_000)}`, "not JSON"],
  ])("%s is none", (text, reason) => {
    const found = decodeCall(bytes(text));
    expect(found).toBeInstanceOf(VarlinkBreach);
    expect((found as VarlinkBreach).reason).toContain(reason);
  });

  test("bytes that are not UTF-8 are none", () => {
    expect(decodeCall(Uint8Array.of(0x7b, 0xff, 0x7d))).toEqual(new VarlinkBreach("bytes that are not UTF-8"));
  });

  test("whatever comes, it is a call or a breach", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.uint8Array()), (given) => {
        const found = decodeCall(typeof given === "string" ? bytes(given) : given);
        return found instanceof VarlinkBreach || typeof found.method === "string";
      }),
    );
  });
});

describe("a reply", () => {
  test.each([
    ["{}", { parameters: {}, error: undefined, continues: false }],
    ['{"parameters":{"a":1},"continues":true}', { parameters: { a: 1 }, continues: true }],
    ['{"error":"a.b.C","parameters":{"x":""}}', { error: "a.b.C", parameters: { x: "" } }],
    ['{"error":null,"continues":null}', { error: undefined, continues: false }],
  ])("%s", (text, expected) => {
    expect(decodeReply(bytes(text))).toMatchObject(expected);
  });

  test.each(['{"error":""}', '{"error":"C"}', '{"error":1}', '{"parameters":1}', '{"continues":1}', '{"x":1}', "x"])(
    "%s is none",
    (text) => {
      expect(decodeReply(bytes(text))).toBeInstanceOf(VarlinkBreach);
    },
  );
});

test("what is written ends with the only zero byte in it", () => {
  const written = [
    encodeCall("a.b.C", { text: "a\0b" }, { more: true }),
    encodeReply({ text: "\0" }, true),
    encodeError("a.b.D"),
  ];
  expect(written.map((one) => Buffer.from(one).toString())).toEqual([
    '{"method":"a.b.C","parameters":{"text":"a\\u0000b"},"more":true}\0',
    '{"parameters":{"text":"\\u0000"},"continues":true}\0',
    '{"error":"a.b.D","parameters":{}}\0',
  ]);
});
