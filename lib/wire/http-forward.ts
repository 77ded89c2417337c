/** What a forward proxy does to an HTTP/1 message head: its target taken apart, its hop-by-hop fields removed. No I/O. */

export interface ForwardTarget {
  host: string;
  port: number;
  /** The authority as it stands in the Host field: without a user, as sent. */
  authority: string;
  /** Path and query as sent, never normalised; `/` where there is none. */
  rest: string;
  path: string;
  /** Without the question mark. */
  query: string;
}

/** Takes an absolute-form target (RFC 9112 section 3.2.2) apart; undefined for any other form or scheme. */
export function parseForwardTarget(target: string): ForwardTarget | undefined {
  const [, authority, rest = ""] = /^http:\/\/([^/?#]*)(.*)$/is.exec(target) ?? [];
  return authority === undefined ? undefined : forwardTarget(authority, rest);
}

const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^\s:@/?#[\]]+)(:([0-9]{0,5}))?$/;
const REST = /^([/?][^\s#]*)?$/;

/** The same for a target that came in two parts; undefined where one of them is malformed. */
export function forwardTarget(given: string, pathAndQuery: string): ForwardTarget | undefined {
  const [, host, colon = "", digits = ""] = AUTHORITY.exec(given) ?? [];
  const port = digits === "" ? 80 : Number(digits);
  if (host === undefined || port > 65_535 || !REST.test(pathAndQuery)) return undefined;
  const authority = digits === "" ? host : host + colon;
  return { host, port, authority, ...splitPath(pathAndQuery.startsWith("/") ? pathAndQuery : `/${pathAndQuery}`) };
}

/** `rest` may also be `*` (RFC 9110 section 9.3.7). */
export function splitPath(rest: string): Pick<ForwardTarget, "rest" | "path" | "query"> {
  const mark = rest.indexOf("?");
  return { rest, path: mark === -1 ? rest : rest.slice(0, mark), query: mark === -1 ? "" : rest.slice(mark + 1) };
}

/** Fields that belong to one connection (RFC 9110 section 7.6.1), and those that are addressed to this proxy. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What says where the message ends and whom it is for is not for Connection to take away: the rest would be a request. */
const FRAMING = new Set(["content-length", "host"]);

export type Field = readonly [name: string, value: string];

/** Names and values in turn, as node:http gives them. */
export function pairs(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([raw[i]!, raw[i + 1]!]);
  return fields;
}

/**
 * The fields of a request that travel on, in order and as spelt, with `Via` added. What begins with `Proxy-` is meant
 * for this proxy; what `Connection` names is meant for nobody further on. `version` is that of HTTP in front.
 */
export function requestFields(fields: readonly Field[], version = "1.1"): Field[] {
  return endToEnd(fields, version).filter(([name]) => !name.toLowerCase().startsWith("proxy-"));
}

/** The fields of a response that travel on. `Proxy-Status` tells the client of every proxy on the way (RFC 9209). */
export function responseFields(fields: readonly Field[]): Field[] {
  return endToEnd(fields, "1.1");
}

function endToEnd(fields: readonly Field[], version: string): Field[] {
  const named = new Set(
    fields
      .filter(([name]) => name.toLowerCase() === "connection")
      .flatMap(([, value]) => value.split(",").map((token) => token.trim().toLowerCase())),
  );
  const kept = fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return FRAMING.has(lower) || (!HOP_BY_HOP.has(lower) && !named.has(lower));
  });
  return [...kept, ["Via", `${version} portail`]];
}

/**
 * How the content of a message with these fields is sent: in chunks, by length or not at all, or in a coding that
 * nobody here undoes (RFC 9112 section 6.1) and that must not be passed on unsaid.
 */
export function framingOf(fields: readonly Field[]): "chunked" | "plain" | "unknown" {
  const codings = fields
    .filter(([name]) => name.toLowerCase() === "transfer-encoding")
    .map(([, value]) => value.trim());
  if (codings.length === 0) return "plain";
  return codings.length === 1 && codings[0]!.toLowerCase() === "chunked" ? "chunked" : "unknown";
}

/** The runtime gives bytes above 0x7f in an answer's head as the UTF-8 of their Latin-1 reading; this is that reading. */
export function asSent(text: string): string {
  if (/^[\t\x20-\x7e]*$/.test(text)) return text;
  const once = Buffer.from(text, "latin1").toString("utf8");
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(once) ? once : text;
}
