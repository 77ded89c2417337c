/** Upload ids carry their state, and are good for one object alone. */
import { expect, test } from "bun:test";
import { openUploadId, sealUploadId } from "../../../../../../commands/s3crypt/serve/multipart/upload-id.ts";
import { content, keyOf, KEYS } from "../../../../../support/s3crypt.ts";

const place = { bucket: "b", key: "k" };
const upload = { upstreamId: "up/1+2=.x", objectId: Uint8Array.from(content(16, 1)), keyId: 3n, key: keyOf(3) };
const id = sealUploadId(upload, place, Uint8Array.from(content(24, 2)));

test("opens where it was given", () => {
  expect(openUploadId(id, place, KEYS)).toEqual(upload);
  // Clients take ids for text, in URLs and in XML.
  expect(id.slice(upload.upstreamId.length)).toMatch(/^\.[A-Za-z0-9_-]{86}$/);
});

test.each([
  ["another bucket", { bucket: "c", key: "k" }],
  ["another key", { bucket: "b", key: "k2" }],
  ["a border elsewhere", { bucket: 'b","k', key: "" }],
])("not for %s", (_, other) => {
  expect(openUploadId(id, other, KEYS)).toBeUndefined();
});

test("not with any character changed, left out or added", () => {
  for (let at = 0; at < id.length; at++) {
    const other = id[at] === "A" ? "B" : "A";
    expect(openUploadId(`${id.slice(0, at)}${other}${id.slice(at + 1)}`, place, KEYS)).toBeUndefined();
    expect(openUploadId(id.slice(0, at) + id.slice(at + 1), place, KEYS)).toBeUndefined();
    expect(openUploadId(id.slice(0, at), place, KEYS)).toBeUndefined();
  }
  for (const other of [`${id}A`, `${id}=`, `A${id}`, "", ".", "up/1+2=.x"])
    expect(openUploadId(other, place, KEYS)).toBeUndefined();
});

test("not with the id of another upload of the storage, nor by another keyring", () => {
  expect(openUploadId(`other${id.slice(id.lastIndexOf("."))}`, place, KEYS)).toBeUndefined();
  expect(openUploadId(id, place, new Map([[3n, keyOf(4)]]))).toBeUndefined();
  expect(openUploadId(id, place, new Map())).toBeUndefined();
});
