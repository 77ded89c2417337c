/** What a route is chosen by, as values parsed from its texts. Chooses nothing. */
import { Pattern } from "../../../lib/acl/pattern/pattern.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { FIRST_BYTES, type FirstBytesName } from "../../../lib/session/first-bytes.ts";
import { canonicalHost } from "../../../lib/wire/host.ts";

/** `one` is one label in front of the suffix, `deep` one or more. */
export type NamePattern =
  { kind: "exact"; name: string } | { kind: "one" | "deep"; suffix: string } | { kind: "pattern"; pattern: Pattern };

/** What stands behind a prefix is the capture, or anything at all. `none` is for clients that offer no id. */
export type IdPattern =
  { kind: "exact"; id: string } | { kind: "prefix"; prefix: string; captures: boolean } | { kind: "none" };

/** Without what leads to a hello; `silent` is a client that says nothing in time. */
export type PlainName = Exclude<FirstBytesName, "tls" | "postgres-tls" | "postgres-gssapi"> | "silent";

export const PLAIN_NAMES: readonly PlainName[] = [...FIRST_BYTES.filter(isPlain), "silent"];

function isPlain(name: FirstBytesName): name is Exclude<PlainName, "silent"> {
  return name !== "tls" && name !== "postgres-tls" && name !== "postgres-gssapi";
}

/** A route, as far as it is chosen. Of several, names are unique. */
export interface RouteMatch {
  readonly name: string;
  /** None: it takes clients whose name, or the lack of one, no other route knows. */
  readonly serverNames: readonly NamePattern[];
  /** None: it takes what no other route of the same name takes. */
  readonly protocolIds: readonly IdPattern[];
  /** Clients come by the SSLRequest of PostgreSQL, or with TLS at once and its protocol id. */
  readonly postgres: boolean;
  /** Clients come without TLS; then there are no names and ids. */
  readonly firstBytes: readonly PlainName[];
  readonly patterns: readonly Pattern[];
  /** Why its clients are turned away; undefined leads them to a target. */
  readonly refuse: string | undefined;
}

/** A capture is one DNS label, so that it adds nothing to a target but that. */
export function isCapture(text: string): boolean {
  return /^[a-z0-9-]{1,63}$/.test(text);
}

/** Parses `NAME`, `*.SUFFIX` (one label) or `**.SUFFIX` (one or more). Throws `PortailError`. */
export function parseServerName(text: string): NamePattern {
  const wildcard = /^(\*{1,2})\.(.+)$/s.exec(text);
  const { host, ip, error } = canonical(wildcard?.[2] ?? text);
  if (error !== undefined) throw invalid("server-name", text, "a server name", error);
  if (ip) throw invalid("server-name", text, "a server name", "clients ask for no addresses; leave server-name out");
  if (wildcard === null) return { kind: "exact", name: host };
  return { kind: wildcard[1] === "*" ? "one" : "deep", suffix: host };
}

function canonical(
  text: string,
): { host: string; ip: boolean; error?: undefined } | { error: string; host?: never; ip?: never } {
  const found = canonicalHost(text);
  return found.error === undefined ? { host: found.host, ip: found.ip !== undefined } : { error: found.error };
}

/** Parses a pattern for server names. Throws `PortailError`. */
export function parseNamePattern(text: string): NamePattern {
  return { kind: "pattern", pattern: parsePattern("server-name-regex", text) };
}

/** Parses `ID`, `PREFIX*` (one DNS label more), `PREFIX**` (anything more), or nothing (no id at all). Throws `PortailError`. */
export function parseProtocolId(text: string): IdPattern {
  const hint = "write e.g. h2, or teleport-auth@* for all that go on with one DNS label, or x-** for all that begin so";
  if (text === "") return { kind: "none" };
  if (Buffer.byteLength(text) > 255) throw invalid("alpn", text, "a protocol id of 1 to 255 bytes", hint);
  const [, prefix = "", stars] = /^([^*]*)(\*{0,2})$/.exec(text) ?? [];
  if (stars === "") return { kind: "exact", id: text };
  if (prefix === "") throw invalid("alpn", text, "a prefix and one * or two at its end", hint);
  return { kind: "prefix", prefix, captures: stars === "*" };
}

/** Throws `PortailError`. */
export function parseFirstBytes(text: string): PlainName {
  const found = PLAIN_NAMES.find((name) => name === text);
  if (found === undefined)
    throw invalid("first-bytes", text, "a protocol that is known", `use one of ${PLAIN_NAMES.join(", ")}`);
  return found;
}

/** Throws `PortailError`. */
export function parseBytesPattern(text: string): Pattern {
  return parsePattern("first-bytes-regex", text);
}

function parsePattern(key: string, text: string): Pattern {
  const { pattern, error } = Pattern.compile(text);
  if (pattern === undefined) throw invalid(key, text, "a pattern", `${error}; the syntax is that of RE2`);
  return pattern;
}

/** As it was written. */
export function formatServerName(pattern: NamePattern): string {
  if (pattern.kind === "exact") return pattern.name;
  if (pattern.kind === "pattern") return `~${pattern.pattern.text}`;
  return `${pattern.kind === "one" ? "*" : "**"}.${pattern.suffix}`;
}

export function formatProtocolId(pattern: IdPattern): string {
  if (pattern.kind === "none") return '""';
  return pattern.kind === "exact" ? pattern.id : `${pattern.prefix}${pattern.captures ? "*" : "**"}`;
}

function invalid(key: string, text: string, what: string, hint: string): PortailError {
  return new PortailError(`${key}: ${JSON.stringify(text)} is not ${what}`, {
    code: "mux.value",
    exit: EXIT.config,
    hint,
  });
}
