/** HPACK against the examples of RFC 7541 appendix C, and against mistakes. */
import { describe, expect, test } from "bun:test";
import { encodeFields, HpackDecoder, HpackError, type HeaderField } from "../../../../lib/wire/hpack.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const MOST = 64 * 1024;

const GET: HeaderField[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];
const AGAIN: HeaderField[] = [...GET, ["cache-control", "no-cache"]];
const OTHER: HeaderField[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/index.html"],
  [":authority", "www.example.com"],
  ["custom-key", "custom-value"],
];

describe("the requests of appendix C, three on one connection", () => {
  test.each([
    [
      "C.3, in the clear",
      [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
      ],
    ],
    [
      "C.4, in Huffman code",
      [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      ],
    ],
  ])("%s", (_, blocks) => {
    const decoder = new HpackDecoder();
    const lists = blocks.map((block) => decoder.decode(hex(block), MOST));
    expect(lists).toEqual([GET, AGAIN, OTHER].map((fields) => ({ fields, tooLarge: false })));
  });
});

describe("single fields of appendix C.2", () => {
  test.each([
    ["400a637573746f6d2d6b65790d637573746f6d2d686561646572", ["custom-key", "custom-header"]],
    ["040c2f73616d706c652f70617468", [":path", "/sample/path"]],
    ["100870617373776f726406736563726574", ["password", "secret"]],
    ["82", [":method", "GET"]],
  ])("%s", (block, field) => {
    expect(new HpackDecoder().decode(hex(block), MOST).fields).toEqual([field as unknown as HeaderField]);
  });
});

describe("responses in Huffman code, with a table of 256 bytes that entries leave (appendix C.6)", () => {
  const BLOCKS = [
    "3fe101 488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
    "4883640effc1c0bf",
    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
  ];

  test("the last one knows what is left", () => {
    const decoder = new HpackDecoder();
    const lists = BLOCKS.map((block) => decoder.decode(hex(block), MOST).fields);
    const common: HeaderField[] = [
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
      ["location", "https://www.example.com"],
    ];
    expect(lists[0]).toEqual([[":status", "302"], ...common]);
    expect(lists[1]).toEqual([[":status", "307"], ...common]);
    expect(lists[2]).toEqual([
      [":status", "200"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
      ["location", "https://www.example.com"],
      ["content-encoding", "gzip"],
      ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
    ]);
    expect(() => decoder.decode(hex("c2"), MOST)).toThrow(HpackError);
  });
});

describe("numbers of appendix C.1, as lengths of strings", () => {
  test("1337 with a prefix of seven bits", () => {
    const value = "x".repeat(1337);
    const block = Buffer.concat([hex("00 01 61 7f ba09"), Buffer.from(value)]);
    expect(new HpackDecoder().decode(block, MOST).fields).toEqual([["a", value]]);
  });
});

describe("mistakes are told, whatever follows", () => {
  test.each([
    ["the index 0", "80"],
    ["an index beyond the tables", "be"],
    ["an index far beyond them", "ff ffffff07"],
    ["a number without end", "ff ffffffffffffffffff"],
    ["a block that ends in a number", "ff"],
    ["a block that ends in a name", "40 0a 6375"],
    ["a block that ends before the value", "40 01 61"],
    ["a change of size behind a field", "82 20"],
    ["a table larger than was allowed", "3f e2 1f"],
    ["EOS within a string", "00 84 ffffffff 00"],
    ["padding of more than seven bits", "00 82 1fff 00"],
    ["padding of zeros", "00 81 18 00"],
  ])("%s", (_, block) => {
    expect(() => new HpackDecoder().decode(hex(block), MOST)).toThrow(HpackError);
  });
});

test("a list that is too large is known as such, and the table is as it should be", () => {
  const decoder = new HpackDecoder();
  const { fields, tooLarge } = decoder.decode(hex("400a637573746f6d2d6b65790d637573746f6d2d686561646572 be"), 100);
  expect({ fields: fields.length, tooLarge }).toEqual({ fields: 1, tooLarge: true });
  expect(decoder.decode(hex("be"), 100).fields).toEqual([["custom-key", "custom-header"]]);
});

test("an entry larger than the table empties it (section 4.4)", () => {
  const decoder = new HpackDecoder();
  decoder.decode(hex("400a637573746f6d2d6b65790d637573746f6d2d686561646572"), MOST);
  decoder.decode(Buffer.concat([hex("40 01 61 7f 811f"), Buffer.alloc(4096, "x")]), MOST);
  expect(() => decoder.decode(hex("be"), MOST)).toThrow(HpackError);
});

test("what is encoded uses the static table and nothing else", () => {
  expect(Buffer.from(encodeFields([[":status", "200"]])).toString("hex")).toBe("88");
  expect(Buffer.from(encodeFields([[":status", "403"]])).toString("hex")).toBe("0803343033");
  expect(Buffer.from(encodeFields([["custom-key", "x"]])).toString("hex")).toBe("000a637573746f6d2d6b65790178");
});
