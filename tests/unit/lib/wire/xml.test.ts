/** XML that services exchange: read, changed in place, written, and refused where it is more than that. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { childOf, editXml, encodeXml, parseXml, type XmlElement, type XmlNode } from "../../../../lib/wire/xml.ts";

const bytes = (text: string) => Buffer.from(text);

function parse(text: string) {
  const parsed = parseXml(bytes(text));
  if (parsed.kind === "bad") throw new Error(parsed.reason);
  return parsed.value;
}

type Shape = string | [string, Shape][];

/** Names and texts alone. */
function shape({ children, text }: XmlElement): Shape {
  return children.length === 0 ? text : children.map((child) => [child.name, shape(child)]);
}

const refusal = (text: string | Uint8Array) => {
  const parsed = parseXml(typeof text === "string" ? bytes(text) : text);
  return parsed.kind === "bad" ? parsed.reason : "none";
};

test("elements, texts and references", () => {
  const { root } = parse(
    `<?xml version="1.0" encoding="utf-8"?>\r\n<A xmlns="urn:a" b='c' >` +
      " <B>1 &lt;&amp;&gt;&quot;&apos; &#233;&#xE9;&#x1; \r\n2\r3</B >\n<C/><D-1._x></D-1._x><E a='' /></A>\n",
  );
  expect(root.name).toBe("A");
  expect(shape(root)).toEqual([
    ["B", "1 <&>\"' éé\u0001 \n2\n3"],
    ["C", ""],
    ["D-1._x", ""],
    ["E", ""],
  ]);
});

test("positions are those of the source", () => {
  const { root, source } = parse("<a><b>1</b><c/></a>");
  const [b, c] = root.children as [XmlElement, XmlElement];
  expect([source.slice(b.start, b.end), source.slice(b.from, b.to)]).toEqual(["<b>1</b>", "1"]);
  expect([source.slice(c.start, c.end), source.slice(c.from, c.to)]).toEqual(["<c/>", "/>"]);
  expect(childOf(root, "c")).toBe(c);
  expect(childOf(root, "d")).toBeUndefined();
});

test.each([
  ["", "XML that is malformed"],
  ["a", "XML that is malformed"],
  ["</a>", "XML that is malformed"],
  ["<a>", "XML that ends too early"],
  ["<a><b></a>", "XML in which b is not closed"],
  ["<a></b>", "XML in which a is not closed"],
  ["<a/><b/>", "something behind the XML"],
  ["<a/>text", "something behind the XML"],
  ["<a>1<b/></a>", "XML with text beside elements"],
  ["<a><b/>1</a>", "XML with text beside elements"],
  ["<a><b/>1<c/></a>", "XML with text beside elements"],
  ["<!DOCTYPE a><a/>", "XML that is malformed"],
  ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "XML that is malformed"],
  ["<a><!-- b --></a>", "XML that is malformed"],
  ["<a><![CDATA[b]]></a>", "XML that is malformed"],
  ["<a><?b?></a>", "XML that is malformed"],
  ["<b:a/>", "XML that is malformed"],
  ["<1/>", "XML that is malformed"],
  ["< a/>", "XML that is malformed"],
  ["<a b/>", "XML that is malformed"],
  ["<a b=c/>", "XML that is malformed"],
  ["<a b='<'/>", "XML that is malformed"],
  ["<a b='1'c='2'/>", "XML that is malformed"],
  ["<a>&b;</a>", "XML with malformed text"],
  ["<a>&amp</a>", "XML with malformed text"],
  ["<a>& </a>", "XML with malformed text"],
  ["<a>&#0;</a>", "XML with malformed text"],
  ["<a>&#xD800;</a>", "XML with malformed text"],
  ["<a>&#x110000;</a>", "XML with malformed text"],
  ["<a>&#;</a>", "XML with malformed text"],
  ["<a>]]></a>", "XML with malformed text"],
  ["<a>\u0001</a>", "XML with malformed text"],
  ['<?xml version="2.0"?><a/>', "XML that is malformed"],
  ['<?xml version="1.0" encoding="latin1"?><a/>', "XML that is not UTF-8"],
  [Uint8Array.of(0x3c, 0x61, 0x3e, 0xff), "XML that is not UTF-8"],
  [bytes("<a/>".padEnd((8 << 20) + 1)), `XML of over ${8 << 20} bytes`],
  [`${"<a>".repeat(17)}${"</a>".repeat(17)}`, "XML that is too deep"],
  [`<a>${"<b/>".repeat(250_000)}</a>`, "XML of too many elements"],
])("#%# is refused", (text, reason) => expect(refusal(text)).toBe(reason));

test("sixteen levels, a byte order mark and blanks around are read", () => {
  expect(refusal(`\ufeff${"<a>".repeat(16)}${"</a>".repeat(16)} \n`)).toBe("none");
});

describe("changed", () => {
  const text = '\ufeff<?xml version="1.0"?>\n<r x="&lt;"> <a>1</a>\r\n<b/><c>é🙂</c> <a>2</a></r>\n';

  test("in nothing, it is the same byte for byte", () => {
    expect(Buffer.from(editXml(parse(text), [])).toString()).toBe(text);
  });

  test("in some elements, the rest is the same", () => {
    const document = parse(text);
    const [first, empty, last] = document.root.children as [XmlElement, XmlElement, XmlElement, XmlElement];
    const edited = editXml(document, [
      { element: last, text: undefined },
      { element: empty, text: "<&>" },
      { element: first, text: '"q"' },
    ]);
    expect(Buffer.from(edited).toString()).toBe(
      '\ufeff<?xml version="1.0"?>\n<r x="&lt;"> <a>&quot;q&quot;</a>\r\n<b>&lt;&amp;&gt;</b> <a>2</a></r>\n',
    );
  });

  test("an element cannot be changed twice", () => {
    const document = parse(text);
    const edit = { element: document.root.children[0]!, text: "" };
    expect(() => editXml(document, [edit, edit])).toThrow(TypeError);
  });
});

const TEXT = fc.string({ unit: "binary" }).map((text) => text.toWellFormed().replaceAll("\0", ""));

test("what is written is read back", () => {
  const node = fc.letrec<{ node: XmlNode }>((tie) => ({
    node: fc.tuple(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,5}$/),
      fc.oneof({ maxDepth: 3 }, TEXT, fc.array(tie("node"), { minLength: 1, maxLength: 3 })),
    ),
  })).node;
  fc.assert(
    fc.property(node, fc.option(TEXT, { nil: undefined }), ([name, content], namespace) => {
      const { root } = parse(Buffer.from(encodeXml([name, content], namespace)).toString());
      expect(root.name).toBe(name);
      expect(shape(root)).toEqual(content as Shape);
    }),
  );
});

test("what is no text is written as what XML can hold", () => {
  expect(Buffer.from(encodeXml(["a", "\0\ud800"])).toString()).toEndWith("<a>\ufffd\ufffd</a>");
});

test("garbage and small changes are answered, never thrown at", () => {
  const source = '<?xml version="1.0"?><r x="1"><a>1&amp;2</a><b/></r>';
  const piece = fc.constantFrom("<", ">", "/", "&", ";", "a", '"', "'", "=", " ", "]]>", "<!", "<?", "&#x41;", "é");
  fc.assert(
    fc.property(fc.nat(source.length), fc.nat(5), fc.array(piece, { maxLength: 4 }), (at, cut, insert) => {
      const text = source.slice(0, at) + insert.join("") + source.slice(at + cut);
      const parsed = parseXml(bytes(text));
      if (parsed.kind === "ok") expect(Buffer.from(editXml(parsed.value, [])).toString()).toBe(text);
      else expect(parsed.reason).not.toBe("");
    }),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(fc.uint8Array(), (garbage) => expect(parseXml(garbage)).toHaveProperty("kind")));
});
