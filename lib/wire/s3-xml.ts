/** The XML bodies of S3 that are read or changed on the way: lists, completions, deletions; and errors, which are written. */
import { bad, type Checked } from "./decode.ts";
import {
  addToXml,
  childOf,
  editXml,
  encodeXml,
  parseXml,
  type XmlDocument,
  type XmlEdit,
  type XmlElement,
  type XmlNode,
} from "./xml.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
const MOST_PARTS = 10_000;
const MOST_DELETED = 1000;

/** A part that a client wants in the object. */
export interface CompletedPart {
  partNumber: number;
  /** Without quotes. */
  etag: string;
  /** By the name of the element, `ChecksumCRC32`. */
  checksums: Record<string, string>;
}

/** The body of CompleteMultipartUpload: at least one part, in ascending order. */
export function readCompleteMultipartUpload(body: Uint8Array): Checked<CompletedPart[]> {
  const parsed = parseXml(body);
  if (parsed.kind === "bad") return parsed;
  const { root } = parsed.value;
  if (root.name !== "CompleteMultipartUpload") return bad("the body is no CompleteMultipartUpload");
  const parts: CompletedPart[] = [];
  for (const element of root.children) {
    const number = Number(/^[0-9]{1,5}$/.exec(textOf(element, "PartNumber").trim())?.[0]);
    const etag = unquoted(textOf(element, "ETag"));
    if (element.name !== "Part" || etag === "") return bad("a part has no number or no ETag");
    if (!(number >= 1 && number <= MOST_PARTS)) return bad(`a part is not between 1 and ${MOST_PARTS}`);
    if (number <= (parts.at(-1)?.partNumber ?? 0)) return bad("the parts are not in ascending order");
    const checksums = element.children.filter(({ name }) => name.startsWith("Checksum"));
    if (hasTwice(element)) return bad("a part has something twice");
    parts.push({
      partNumber: number,
      etag,
      checksums: Object.fromEntries(checksums.map(({ name, text }) => [name, text.trim()])),
    });
  }
  return parts.length === 0 ? bad("there are no parts") : { kind: "ok", value: parts };
}

export function encodeCompleteMultipartUpload(parts: readonly CompletedPart[]): Uint8Array {
  const nodes = parts.map(({ partNumber, etag, checksums }): XmlNode => {
    const fields = [["PartNumber", String(partNumber)], ["ETag", `"${etag}"`], ...Object.entries(checksums)];
    return ["Part", fields as [string, string][]];
  });
  return encodeXml(["CompleteMultipartUpload", nodes], NAMESPACE);
}

export interface Deletion {
  /** Nothing is said of what was deleted. */
  quiet: boolean;
  objects: { key: string; versionId: string | undefined }[];
}

/** The body of DeleteObjects. */
export function readDeleteObjects(body: Uint8Array): Checked<Deletion> {
  const parsed = parseXml(body);
  if (parsed.kind === "bad") return parsed;
  const { root } = parsed.value;
  if (root.name !== "Delete") return bad("the body is no Delete");
  const objects: Deletion["objects"] = [];
  for (const element of root.children.filter(({ name }) => name !== "Quiet")) {
    const key = textOf(element, "Key");
    if (element.name !== "Object" || key === "" || hasTwice(element)) return bad("an object has no key, or two");
    objects.push({ key, versionId: childOf(element, "VersionId")?.text });
  }
  if (objects.length === 0 || objects.length > MOST_DELETED) return bad(`there are not 1 to ${MOST_DELETED} objects`);
  if (root.children.length - objects.length > 1) return bad("Quiet is given twice");
  const quiet = textOf(root, "Quiet").trim();
  return quiet === "" || quiet === "true" || quiet === "false"
    ? { kind: "ok", value: { quiet: quiet === "true", objects } }
    : bad("Quiet is neither true nor false");
}

/** The body of DeleteObjects without the objects at these places, and every other byte as it was. */
export function withoutObjects(body: Uint8Array, places: ReadonlySet<number>): Uint8Array {
  const parsed = parseXml(body);
  if (parsed.kind === "bad") throw new TypeError(`a body that nobody has read: ${parsed.reason}`);
  const objects = parsed.value.root.children.filter(({ name }) => name === "Object");
  const gone = objects.filter((_, place) => places.has(place));
  return editXml(
    parsed.value,
    gone.map((element) => ({ element, text: undefined })),
  );
}

/** What DeleteObjects says of an object that it did not delete. */
export interface DeleteError {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly code: string;
  readonly message: string;
}

/** The answer to DeleteObjects with `errors` behind those that it has; one of these alone where there is none. */
export function withDeleteErrors(answer: Answer | undefined, errors: readonly DeleteError[]): Uint8Array {
  const nodes = errors.map(({ key, versionId, code, message }): XmlNode => {
    const version: XmlNode[] = versionId === undefined ? [] : [["VersionId", versionId]];
    return ["Error", [["Key", key], ...version, ["Code", code], ["Message", message]]];
  });
  return answer === undefined ? encodeXml(["DeleteResult", nodes], NAMESPACE) : addToXml(answer.document, nodes);
}

/** An element of an answer, with the texts of its own children by name: the first of each. */
export interface Entry {
  name: string;
  fields: ReadonlyMap<string, string>;
  element: XmlElement;
}

/** An answer of S3. */
export interface Answer {
  document: XmlDocument;
  /** `ListBucketResult`, `ListPartsResult`, `CopyObjectResult` … with its own fields. */
  root: Entry;
  entries: Entry[];
}

const ENTRIES = new Set(["Contents", "CommonPrefixes", "Version", "DeleteMarker", "Part", "Upload"]);

/** Reads any answer; entries are the objects, prefixes, versions, parts or uploads that it lists. */
export function readAnswer(body: Uint8Array): Checked<Answer> {
  const parsed = parseXml(body);
  if (parsed.kind === "bad") return parsed;
  const { root } = parsed.value;
  const entries = root.children.filter(({ name }) => ENTRIES.has(name)).map(entryOf);
  return { kind: "ok", value: { document: parsed.value, root: entryOf(root), entries } };
}

function entryOf(element: XmlElement): Entry {
  const leaves = element.children.filter(({ children }) => children.length === 0);
  const fields = new Map(leaves.toReversed().map(({ name, text }) => [name, text]));
  return { name: element.name, fields, element };
}

/** The key of an entry, or its `Prefix`; decoded where the client asked for `encoding-type=url`. Undefined where that is malformed. */
export function keyOf({ root }: Answer, { fields }: Entry, name: "Key" | "Prefix" = "Key"): string | undefined {
  const key = fields.get(name);
  if (key === undefined || root.fields.get("EncodingType") !== "url") return key;
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** New texts of an entry by field, undefined to remove the field, or the entry. What an entry lacks is not added. */
export interface Change {
  entry: Entry;
  fields: Readonly<Record<string, string | undefined>> | undefined;
}

/** The answer with some fields changed, and every other byte as it was. */
export function changeAnswer({ document }: Answer, changes: readonly Change[]): Uint8Array {
  const edits = changes.flatMap(({ entry: { element }, fields }): XmlEdit[] =>
    fields === undefined
      ? [{ element, text: undefined }]
      : Object.entries(fields).flatMap(([name, text]) =>
          element.children.filter((child) => child.name === name).map((child) => ({ element: child, text })),
        ),
  );
  return editXml(document, edits);
}

/** The body of an answer that is an error; `more` are elements such as `Key`. */
export function encodeError(code: string, message: string, more: Readonly<Record<string, string>> = {}): Uint8Array {
  return encodeXml(["Error", [["Code", code], ["Message", message], ...Object.entries(more)]]);
}

function textOf(element: XmlElement, name: string): string {
  return childOf(element, name)?.text ?? "";
}

function hasTwice({ children }: XmlElement): boolean {
  return new Set(children.map(({ name }) => name)).size < children.length;
}

function unquoted(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, "$1");
}
