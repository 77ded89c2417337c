/** XML as services exchange data in it: elements with text or with elements. No DTD, no comments, no mixed content; strict and bounded. */
import { bad, type Checked } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Positions are in `source` of the document. */
export interface XmlElement {
  name: string;
  children: XmlElement[];
  /** What it holds where it has no children, references resolved. */
  text: string;
  /** From its `<` to behind its last `>`. */
  start: number;
  end: number;
  /** Its content; in `<a/>` the two bytes that close it. */
  from: number;
  to: number;
}

export interface XmlDocument {
  source: string;
  root: XmlElement;
}

/** Bytes: a list of 1000 objects with the longest keys, each byte of them a reference. */
const LARGEST = 8 << 20;
const DEEPEST = 16;
/** Three times what a list of 10,000 parts has. */
const MOST_ELEMENTS = 250_000;

const DECLARATION =
  /<\?xml[ \t\r\n]+version=(?:"1\.[01]"|'1\.[01]')(?:[ \t\r\n]+encoding=["']([\w.-]+)["'])?[^?<>]*\?>/y;
const SPACE = /[ \t\r\n]*/y;
const OPENING =
  /<([A-Za-z_][\w.-]*)((?:[ \t\r\n]+[A-Za-z_][\w.:-]*[ \t\r\n]*=[ \t\r\n]*(?:"[^"<]*"|'[^'<]*'))*)[ \t\r\n]*(\/?)>/y;
const CLOSING = /<\/([A-Za-z_][\w.-]*)[ \t\r\n]*>/y;

/**
 * Parses a document of at most `largest` bytes of UTF-8. Refused: document types, comments, CDATA, processing
 * instructions, names with prefixes, references to other entities than the five, text beside elements, more than 16
 * levels or 250,000 elements. Attributes are read past.
 */
export function parseXml(bytes: Uint8Array, largest = LARGEST): Checked<XmlDocument> {
  if (bytes.length > largest) return bad(`XML of over ${largest} bytes`);
  const source = decodeUtf8(bytes);
  if (source === undefined) return bad("XML that is not UTF-8");
  const begin = begins(source);
  if (typeof begin === "string") return bad(begin);
  const root = elements(source, begin);
  if (typeof root === "string") return bad(root);
  return matchAt(SPACE, source, root.end)![0].length + root.end === source.length
    ? { kind: "ok", value: { source, root } }
    : bad("something behind the XML");
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/** Where the root begins. */
function begins(source: string): number | string {
  let at = source.startsWith("\ufeff") ? 1 : 0;
  const declaration = matchAt(DECLARATION, source, at);
  if (declaration?.[1] !== undefined && declaration[1].toLowerCase() !== "utf-8") return "XML that is not UTF-8";
  at += declaration?.[0].length ?? 0;
  return at + matchAt(SPACE, source, at)![0].length;
}

/** The element that begins at `at`, with all within. */
function elements(source: string, at: number): XmlElement | string {
  const open: XmlElement[] = [];
  let count = 0;
  for (;;) {
    const closing = open.length > 0 ? matchAt(CLOSING, source, at) : null;
    const opening = closing === null ? matchAt(OPENING, source, at) : null;
    if (closing !== null) {
      const element = open.pop()!;
      if (element.name !== closing[1]) return `XML in which ${element.name} is not closed`;
      element.to = at;
      at += closing[0].length;
      element.end = at;
      const trouble = readText(source, element);
      if (trouble !== undefined) return trouble;
      if (open.length === 0) return element;
    } else if (opening !== null) {
      if (open.length === DEEPEST) return "XML that is too deep";
      if (++count > MOST_ELEMENTS) return "XML of too many elements";
      const [whole, name, , slash] = opening as unknown as [string, string, string, string];
      const end = at + whole.length;
      const from = slash === "" ? end : end - 2;
      const element: XmlElement = { name, children: [], text: "", start: at, end, from, to: end };
      open.at(-1)?.children.push(element);
      if (slash === "") open.push(element);
      else if (open.length === 0) return element;
      at = end;
    } else return "XML that is malformed";
    const next = source.indexOf("<", at);
    if (next === -1) return "XML that ends too early";
    at = next;
  }
}

/** Sets the text of an element that is closed; or says what is wrong with it. */
function readText(source: string, element: XmlElement): string | undefined {
  let at = element.from;
  for (const child of element.children) {
    if (!isBlank(source, at, child.start)) return "XML with text beside elements";
    at = child.end;
  }
  if (element.children.length > 0) return isBlank(source, at, element.to) ? undefined : "XML with text beside elements";
  const text = resolve(source.slice(element.from, element.to));
  if (text === undefined) return "XML with malformed text";
  element.text = text;
  return undefined;
}

function isBlank(source: string, from: number, to: number): boolean {
  return from === to || from + matchAt(SPACE, source, from)![0].length >= to;
}

const NAMED = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** Text with its references resolved and its line ends made one. */
function resolve(text: string): string | undefined {
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\]\]>/.test(text)) return undefined;
  const lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  if (!lines.includes("&")) return lines;
  let isBad = false;
  const resolved = lines.replace(
    /&(?:([a-z]{2,4});|#([0-9]{1,7});|#x([0-9A-Fa-f]{1,6});)?/g,
    (_, name, digits, hex) => {
      const code = digits === undefined ? Number.parseInt(hex ?? "0", 16) : Number(digits);
      const character = name === undefined ? characterOf(code) : NAMED.get(name);
      isBad ||= character === undefined;
      return character ?? "";
    },
  );
  return isBad ? undefined : resolved;
}

/** Controls too, which XML 1.0 forbids: keys of objects hold them, and S3 writes them so. */
function characterOf(code: number): string | undefined {
  const isOne = code > 0 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff);
  return isOne ? String.fromCodePoint(code) : undefined;
}

/** The first child of a name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** Puts `text` in the place of the content of an element without children; undefined removes the element. */
export interface XmlEdit {
  element: XmlElement;
  text: string | undefined;
}

/** The document with some elements changed, and every other byte as it was. Edits must not overlap. */
export function editXml({ source }: XmlDocument, edits: readonly XmlEdit[]): Uint8Array {
  let edited = "";
  let at = 0;
  for (const { element, text } of edits.toSorted((a, b) => a.element.start - b.element.start)) {
    const { name, start, from, to, end } = element;
    if (start < at) throw new TypeError("edits that overlap");
    if (text === undefined) edited += source.slice(at, start);
    else if (to === end) edited += `${source.slice(at, from)}>${escapeXml(text)}</${name}>`;
    else edited += source.slice(at, from) + escapeXml(text) + source.slice(to, end);
    at = end;
  }
  return Buffer.from(edited + source.slice(at));
}

/** The document with `nodes` behind what its root holds, which must not be text; every other byte as it was. */
export function addToXml({ source, root }: XmlDocument, nodes: readonly XmlNode[]): Uint8Array {
  const { name, from, to, end } = root;
  const added = inner(nodes);
  return Buffer.from(
    to === end
      ? `${source.slice(0, from)}>${added}</${name}>${source.slice(end)}`
      : source.slice(0, to) + added + source.slice(to),
  );
}

/** An element to write: its name, and its text or the elements in it. */
export type XmlNode = readonly [name: string, content: string | readonly XmlNode[]];

/** Writes a document, with a default namespace where one is given. */
export function encodeXml([name, content]: XmlNode, namespace?: string): Uint8Array {
  const attribute = namespace === undefined ? "" : ` xmlns="${escapeXml(namespace)}"`;
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<${name}${attribute}>${inner(content)}</${name}>`);
}

function inner(content: XmlNode[1]): string {
  if (typeof content === "string") return escapeXml(content);
  return content.map(([name, content]) => `<${name}>${inner(content)}</${name}>`).join("");
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /[&<>"\x01-\x1f\ufffe\uffff]/g,
      (found) => ESCAPES[found] ?? `&#x${found.charCodeAt(0).toString(16).toUpperCase()};`,
    )
    .replaceAll("\0", "\ufffd");
}
