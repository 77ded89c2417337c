/** What is the proxy's own is in no listing, and no client deletes it. */
import { expect, test } from "bun:test";
import { hiding, refuseSides } from "../../../../../../commands/s3crypt/serve/multipart/hide.ts";
import { changeAnswer, readAnswer, readDeleteObjects, type Deletion } from "../../../../../../lib/wire/s3-xml.ts";

function shown(inner: string): string {
  const answer = readAnswer(Buffer.from(`<ListBucketResult>${inner}</ListBucketResult>`));
  if (answer.kind === "bad") throw new Error(answer.reason);
  const text = Buffer.from(changeAnswer(answer.value, hiding(answer.value))).toString();
  return text.slice("<ListBucketResult>".length, -"</ListBucketResult>".length);
}

const object = (key: string) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`;

test("listings are without them, and count without them", () => {
  expect(shown(`<KeyCount>3</KeyCount>${object(".s3crypt/0a")}${object("a")}${object(".s3crypt")}`)).toBe(
    `<KeyCount>2</KeyCount>${object("a")}${object(".s3crypt")}`,
  );
  expect(shown(object("a/.s3crypt/x"))).toBe(object("a/.s3crypt/x"));
  const prefix = (text: string) => `<CommonPrefixes><Prefix>${text}</Prefix></CommonPrefixes>`;
  expect(shown(prefix(".s3crypt/") + prefix("b/"))).toBe(prefix("b/"));
  const url = "<EncodingType>url</EncodingType>";
  expect(shown(url + object(".s3crypt%2F0a") + prefix("%2Es3crypt/"))).toBe(url);
});

test("they are not deleted among others", () => {
  const deletion = (key: string): Deletion => {
    const read = readDeleteObjects(Buffer.from(`<Delete><Object><Key>${key}</Key></Object></Delete>`));
    if (read.kind === "bad") throw new Error(read.reason);
    return read.value;
  };
  expect(() => refuseSides(deletion("a"))).not.toThrow();
  expect(() => refuseSides(deletion(".s3crypt/0a"))).toThrow("the proxy's own");
  expect(() => refuseSides(deletion("&#46;s3crypt/0a"))).toThrow("the proxy's own");
});
