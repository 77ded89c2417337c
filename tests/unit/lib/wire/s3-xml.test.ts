/** XML bodies of S3: examples of its API reference, what clients send, and what is refused. */
import { describe, expect, test } from "bun:test";
import {
  changeAnswer,
  encodeCompleteMultipartUpload,
  encodeError,
  keyOf,
  readAnswer,
  readCompleteMultipartUpload,
  readDeleteObjects,
  withDeleteErrors,
  withoutObjects,
  type Answer,
} from "../../../../lib/wire/s3-xml.ts";

const bytes = (text: string) => Buffer.from(text);
const text = (given: Uint8Array) => Buffer.from(given).toString();

function read(text: string): Answer {
  const answer = readAnswer(bytes(text));
  if (answer.kind === "bad") throw new Error(answer.reason);
  return answer.value;
}

describe("CompleteMultipartUpload", () => {
  const part = (number: string, etag = "a", more = "") =>
    `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${more}</Part>`;
  const complete = (...parts: string[]) => `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;

  test("as the API reference has it, and as boto3 writes it", () => {
    const body =
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n  <Part>\n' +
      "    <PartNumber>1</PartNumber>\n    <ETag>&quot;a54357aff0632cce46d942af68356b38&quot;</ETag>\n  </Part>\n" +
      '  <Part><ETag>"0c78aef83f66abc1fa1e8477f296d394"</ETag><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>' +
      "<PartNumber>10000</PartNumber></Part></CompleteMultipartUpload>";
    const parts = [
      { partNumber: 1, etag: "a54357aff0632cce46d942af68356b38", checksums: {} },
      { partNumber: 10_000, etag: "0c78aef83f66abc1fa1e8477f296d394", checksums: { ChecksumCRC32: "y/Q5Jg==" } },
    ];
    expect(readCompleteMultipartUpload(bytes(body))).toEqual({ kind: "ok", value: parts });
    const blanks = body.replace(/<(PartNumber|ETag|ChecksumCRC32)>[^<]*/g, (text) => `${text.replace(">", ">\n ")} `);
    expect(readCompleteMultipartUpload(bytes(blanks))).toEqual({ kind: "ok", value: parts });
    expect(readCompleteMultipartUpload(encodeCompleteMultipartUpload(parts))).toEqual({ kind: "ok", value: parts });
  });

  test.each([
    ["<Delete/>", "the body is no CompleteMultipartUpload"],
    [complete(), "there are no parts"],
    [complete(part("2"), part("1")), "the parts are not in ascending order"],
    [complete(part("1"), part("1")), "the parts are not in ascending order"],
    [complete(part("0")), "a part is not between 1 and 10000"],
    [complete(part("10001")), "a part is not between 1 and 10000"],
    [complete(part("")), "a part is not between 1 and 10000"],
    [complete(part("1.5")), "a part is not between 1 and 10000"],
    [complete(part("1", "")), "a part has no number or no ETag"],
    [complete("<Other/>"), "a part has no number or no ETag"],
    [complete(part("1", "a", "<ETag>b</ETag>")), "a part has something twice"],
    ["<a>", "XML that ends too early"],
  ])("#%# is refused", (body, reason) =>
    expect(readCompleteMultipartUpload(bytes(body))).toEqual({ kind: "bad", reason }),
  );
});

describe("DeleteObjects", () => {
  const object = (key: string, more = "") => `<Object><Key>${key}</Key>${more}</Object>`;

  test("as the API reference has it", () => {
    const body =
      '<?xml version="1.0" encoding="UTF-8"?><Delete><Object><Key>sample1.txt</Key></Object>' +
      "<Object><Key>a &amp; b/&#x1;é</Key><VersionId>7</VersionId></Object><Quiet>true</Quiet></Delete>";
    expect(readDeleteObjects(bytes(body))).toEqual({
      kind: "ok",
      value: {
        quiet: true,
        objects: [
          { key: "sample1.txt", versionId: undefined },
          { key: "a & b/\u0001é", versionId: "7" },
        ],
      },
    });
    const most = `<Delete>${object("a").repeat(1000)}<Quiet> true </Quiet></Delete>`;
    expect(readDeleteObjects(bytes(most))).toMatchObject({ kind: "ok", value: { quiet: true } });
    expect(readDeleteObjects(bytes(`<Delete>${object(" ")}</Delete>`))).toMatchObject({
      value: { quiet: false, objects: [{ key: " " }] },
    });
  });

  test.each([
    ["<Deleted/>", "the body is no Delete"],
    ["<Delete/>", "there are not 1 to 1000 objects"],
    [`<Delete>${object("a").repeat(1001)}</Delete>`, "there are not 1 to 1000 objects"],
    [`<Delete>${object("")}</Delete>`, "an object has no key, or two"],
    [`<Delete>${object("a", "<Key>b</Key>")}</Delete>`, "an object has no key, or two"],
    [`<Delete>${object("a")}<Other/></Delete>`, "an object has no key, or two"],
    [`<Delete>${object("a")}<Quiet>yes</Quiet></Delete>`, "Quiet is neither true nor false"],
    [`<Delete>${object("a")}<Quiet>true</Quiet><Quiet>false</Quiet></Delete>`, "Quiet is given twice"],
  ])("#%# is refused", (body, reason) => expect(readDeleteObjects(bytes(body))).toEqual({ kind: "bad", reason }));
});

describe("DeleteObjects of which some are not to be", () => {
  const body = bytes(
    "<Delete>\n <Object><Key>a</Key></Object><Quiet>true</Quiet> <Object><Key>b&amp;</Key><ETag>e</ETag></Object></Delete>",
  );

  test("they are taken out, and every other byte stays", () => {
    expect(text(withoutObjects(body, new Set([0])))).toBe(
      "<Delete>\n <Quiet>true</Quiet> <Object><Key>b&amp;</Key><ETag>e</ETag></Object></Delete>",
    );
    expect(withoutObjects(body, new Set())).toEqual(body);
  });

  test.each([
    ['<DeleteResult xmlns="x"/>', '<DeleteResult xmlns="x">', "</DeleteResult>"],
    ["<DeleteResult ></DeleteResult>\n", "<DeleteResult >", "</DeleteResult>\n"],
    [
      "<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>",
      "<DeleteResult><Deleted><Key>a</Key></Deleted>",
      "</DeleteResult>",
    ],
  ])("the errors go behind what %p has", (answer, before, behind) => {
    const read = readAnswer(bytes(answer));
    if (read.kind === "bad") throw new Error(read.reason);
    const error = { key: "b&", versionId: "7", code: "AccessDenied", message: "<no>" };
    expect(text(withDeleteErrors(read.value, [error]))).toBe(
      `${before}<Error><Key>b&amp;</Key><VersionId>7</VersionId><Code>AccessDenied</Code><Message>&lt;no&gt;</Message></Error>${behind}`,
    );
  });
});

describe("answers", () => {
  const list = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix/><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>
  <Contents><Key>my-image.jpg</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified><ETag>"fba9dede5f27731c9771645a39863328"</ETag><ChecksumAlgorithm>CRC32</ChecksumAlgorithm><Size>434234</Size><Owner><ID>1</ID></Owner></Contents>
  <Contents><Key>a&amp;b</Key><ETag>&quot;x&quot;</ETag><Size/><StorageClass>STANDARD</StorageClass></Contents>
  <CommonPrefixes><Prefix>photos/</Prefix></CommonPrefixes>
</ListBucketResult>`;

  test("are read", () => {
    const { root, entries } = read(list);
    expect([root.name, root.fields.get("Name"), root.fields.get("Prefix")]).toEqual(["ListBucketResult", "bucket", ""]);
    expect(
      entries.map(({ name, fields }) => [name, fields.get("Key"), fields.get("Size"), fields.get("ETag")]),
    ).toEqual([
      ["Contents", "my-image.jpg", "434234", '"fba9dede5f27731c9771645a39863328"'],
      ["Contents", "a&b", "", '"x"'],
      ["CommonPrefixes", undefined, undefined, undefined],
    ]);
    expect(entries[0]!.fields.has("Owner")).toBe(false);
  });

  test("are changed in place, and nowhere else", () => {
    const answer = read(list);
    const [first, second] = answer.entries as [(typeof answer.entries)[0], (typeof answer.entries)[0]];
    const changed = changeAnswer(answer, [
      { entry: second, fields: { Size: "0", ETag: '"y"', Missing: "never" } },
      { entry: first, fields: { Size: "7", ChecksumAlgorithm: undefined } },
    ]);
    const expected = list
      .replace("434234", "7")
      .replace("<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>", "")
      .replace("<Size/>", "<Size>0</Size>")
      .replace("&quot;x&quot;", "&quot;y&quot;");
    expect(Buffer.from(changed).toString()).toBe(expected);
    expect(Buffer.from(changeAnswer(answer, [])).toString()).toBe(list);
  });

  test("of parts, versions and uploads have entries too, and the root is one", () => {
    const parts = read(
      "<ListPartsResult><UploadId>up</UploadId><Part><PartNumber>1</PartNumber><ETag>e</ETag><Size>5</Size></Part></ListPartsResult>",
    );
    expect(parts.entries.map(({ name }) => name)).toEqual(["Part"]);
    const changed = changeAnswer(parts, [
      { entry: parts.root, fields: { UploadId: "ours" } },
      { entry: parts.entries[0]!, fields: { Size: "4" } },
    ]);
    expect(Buffer.from(changed).toString()).toBe(
      "<ListPartsResult><UploadId>ours</UploadId><Part><PartNumber>1</PartNumber><ETag>e</ETag><Size>4</Size></Part></ListPartsResult>",
    );
    const versions = read("<ListVersionsResult><Version/><DeleteMarker/><Upload/><Other/></ListVersionsResult>");
    expect(versions.entries.map(({ name }) => name)).toEqual(["Version", "DeleteMarker", "Upload"]);
  });

  test.each([
    ["a+b%2Bc%20d%C3%A9/e", "a b+c dé/e"],
    ["%zz", undefined],
    ["%ff", undefined],
  ])("the key %s is url-encoded", (text, key) => {
    const answer = read(`<L><EncodingType>url</EncodingType><Contents><Key>${text}</Key></Contents><Contents/></L>`);
    expect(answer.entries.map((entry) => keyOf(answer, entry))).toEqual([key, undefined]);
  });

  test("a key that is not encoded stays as it is", () => {
    const answer = read("<L><Contents><Key>a+b%20</Key></Contents></L>");
    expect(keyOf(answer, answer.entries[0]!)).toBe("a+b%20");
  });

  test("that are no XML are refused", () => {
    expect(readAnswer(bytes("{}"))).toEqual({ kind: "bad", reason: "XML that is malformed" });
  });
});

test("errors are written as S3 writes them", () => {
  expect(Buffer.from(encodeError("NoSuchKey", "It is not <there>", { Key: "a&b" })).toString()).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      "<Error><Code>NoSuchKey</Code><Message>It is not &lt;there&gt;</Message><Key>a&amp;b</Key></Error>",
  );
});
