/** `[provider.NAME]` tables as values: whom to ask, for which facts, by which key. The end of all strings; reads no file but for messages. */
import { resolve } from "node:path";
import { lookupFact, type Command, type FactName, type FactType } from "../acl/facts.ts";
import type { TableRow } from "../command/config-tables.ts";
import type { Config } from "../command/define.ts";
import { providerKeys } from "../command/provider-keys.ts";
import type { TrustSource } from "../identity/trust.ts";
import { isLoopback } from "../net/endpoint.ts";
import { Secret } from "../identity/secret.ts";
import type { CacheLimits } from "./cache.ts";
import { gristUrl } from "./grist.ts";
import { FORMATS, type InventoryFormat } from "./inventory.ts";
import type { InventoryPlan } from "./inventory-file.ts";
import { parsePointer } from "./json-pointer.ts";
import { inOrder, type Needing } from "./order.ts";
import { parseTarget, type Target } from "./targets.ts";
import { TableReader } from "./table-reader.ts";
import { UrlTemplate } from "./url-template.ts";
import type { WebPlan } from "./web-source.ts";

/** Where a secret header comes from. */
interface HeaderPlan {
  readonly name: string;
  /** Before the secret: `Bearer `. */
  readonly prefix: string;
  readonly secret: Secret;
}

export type ProviderPlan = Needing &
  (
    | { readonly kind: "file"; readonly inventory: InventoryPlan }
    | {
        readonly kind: "web";
        readonly limits: CacheLimits;
        readonly web: WebPlan;
        readonly headers: readonly HeaderPlan[];
        /** Undefined means the system's. */
        readonly trust: TrustSource | undefined;
      }
    | {
        readonly kind: "program";
        readonly limits: CacheLimits;
        readonly command: readonly string[];
        readonly most: number;
      }
  );

const KINDS = ["file", "http", "grist", "program"] as const;
type Kind = (typeof KINDS)[number];
type Row = TableRow<"provider">;
type RowKey = keyof Row;

const ASKED: readonly RowKey[] = [
  "ttl",
  "negative-ttl",
  "stale",
  "timeout",
  "max-entries",
  "max-size",
  "max-outstanding",
];
const WEB: readonly RowKey[] = ["url", "token-file", "trust", "unsafe-http"];
/** What a table may have beside `kind`, `key` and `set`; and what it must. */
const KEYS: Record<Kind, { may: readonly RowKey[]; must: readonly RowKey[] }> = {
  file: { may: ["file", "format", "column", "rows", "delimiter", "list-separator"], must: ["file"] },
  http: { may: [...ASKED, ...WEB, "header-file"], must: ["url"] },
  grist: { may: [...ASKED, ...WEB, "document", "table", "column"], must: ["url", "document", "table", "column"] },
  program: { may: [...ASKED, "command"], must: ["command"] },
};

/**
 * The providers of a configuration, in the order in which they are asked. Throws `PortailError` (78) with file and line.
 * `command` is who asks: a key must be a fact that it knows.
 */
export function parseProviders({ tables, place }: Config, command: Command, cwd: string): readonly ProviderPlan[] {
  const readers = Array.from(tables.provider, ([name, row]) => new TableReader(name, row, place));
  const plans = readers.map((reader) => parseProvider(reader, { command, cwd, trust: tables.trust }));
  const ordered = inOrder(plans);
  if (!("cycle" in ordered)) return ordered;
  const [first] = ordered.cycle;
  const reader = readers.find(({ name }) => name === first)!;
  const others = [...ordered.cycle.slice(1), first].join(", which waits for ");
  throw reader.refuse(
    "key",
    "provider.cycle",
    `${first} waits for ${others}`,
    "a key comes from the connection in the end",
  );
}

interface Around {
  command: Command;
  cwd: string;
  trust: Config["tables"]["trust"];
}

function parseProvider(reader: TableReader, around: Around): ProviderPlan {
  const { row, name } = reader;
  const kind = reader.choice("kind", KINDS);
  refuseKeys(reader, kind);
  const key = row.key.map((fact) => parseKey(reader, fact, around.command));
  if (new Set(key).size < key.length) throw reader.refuse("key", "provider.key", "a key is named twice");
  if (key.length > 1 && (kind === "file" || kind === "grist"))
    throw reader.refuse(
      "key",
      "provider.key",
      `kind ${kind} looks up one fact`,
      "only http and program take several keys",
    );
  const targets = row.set.map((text) => parseSet(reader, text, kind));
  const twice = targets.find(({ fact }, i) => targets.findIndex((other) => other.fact === fact) < i);
  if (twice !== undefined) throw reader.refuse("set", "provider.set", `${twice.fact} is set twice`);
  const common = { name, key, targets };
  if (kind === "file") {
    return { ...common, kind: "file", inventory: parseInventory(reader, targets, typeOf(key[0]!), around.cwd) };
  }
  const limits = parseLimits(reader);
  const most = reader.size("max-size", "64K", 256, 64 * 2 ** 20);
  if (kind === "program") {
    const [program = ""] = row.command;
    if (program === "") throw reader.refuse("command", "provider.command", "the program is missing");
    return { ...common, kind: "program", limits, command: row.command, most };
  }
  const url = kind === "grist" ? parseGrist(reader, key[0]!) : parseUrl(reader, key);
  refuseInTheClear(reader, url);
  const web = { url, targets, answers: kind === "grist" ? "grist" : "json", most, timeout: limits.timeout } as const;
  const trust = row.trust === undefined ? undefined : parseTrust(reader, row.trust, around.trust);
  return { ...common, kind: "web", limits, web, headers: parseHeaders(reader), trust };
}

/** A key that its kind does not have would be believed to do something. */
function refuseKeys(reader: TableReader, kind: Kind): void {
  const { may, must } = KEYS[kind];
  const common: readonly string[] = ["kind", "key", "set", ...may];
  for (const name of Object.keys(providerKeys) as RowKey[]) {
    if (!common.includes(name) && reader.has(name))
      throw reader.refuse(
        name,
        "provider.alien_key",
        `"${name}" is not for kind ${kind}`,
        `it takes ${may.join(", ")}`,
      );
  }
  const missing = must.find((name) => !reader.has(name));
  if (missing !== undefined)
    throw reader.refuse(
      "kind",
      "provider.missing",
      `kind ${kind} needs "${missing}"`,
      providerKeys[missing].description,
    );
}

/** Types that are one plain value, and stay as they are from one request to the next. */
const KEY_TYPES: readonly FactType[] = ["string", "host", "number", "boolean", "address", "any"];

function parseKey(reader: TableReader, name: string, command: Command): FactName {
  const found = lookupFact(name);
  if (found === undefined || !found.spec.commands.includes(command)) {
    throw reader.unknownFact("key", name, command);
  }
  if (found.name === "dest.ip" || !KEY_TYPES.includes(found.spec.type)) {
    const why =
      found.name === "dest.ip"
        ? "is known only once this is decided"
        : `has the type ${found.spec.type}, which is not one plain value`;
    throw reader.refuse("key", "provider.key", `${name} ${why}`, "a key is a text, a number or an address");
  }
  return found.name;
}

const typeOf = (name: FactName): FactType => lookupFact(name)!.spec.type;

function parseSet(reader: TableReader, text: string, kind: Kind): Target {
  const target = parseTarget(text, kind === "program");
  if ("error" in target) throw reader.refuse("set", "provider.set", target.error, target.hint);
  const isPointer = target.from.startsWith("/") || kind === "http";
  if (kind !== "program" && kind !== "grist" && isPointer && parsePointer(target.from) === undefined) {
    const hint = "write a JSON pointer (RFC 6901), e.g. /user/groups";
    throw reader.refuse("set", "provider.set", `${JSON.stringify(target.from)} is no JSON pointer`, hint);
  }
  return target;
}

function parseInventory(
  reader: TableReader,
  targets: readonly Target[],
  keyType: FactType,
  cwd: string,
): InventoryPlan {
  const { row } = reader;
  const name = row.file!;
  const [, ending = ""] = /\.([a-z]+)$/i.exec(name) ?? [];
  const byName = FORMATS.find((format) => format === ending.toLowerCase());
  const format: InventoryFormat | undefined = row.format === undefined ? byName : reader.choice("format", FORMATS);
  if (format === undefined) {
    const hint = `give "format": one of ${FORMATS.join(", ")}`;
    throw reader.refuse("file", "provider.format", `the name of ${JSON.stringify(name)} tells no format`, hint);
  }
  const alien = (["delimiter", "list-separator"] as const).find((each) => format !== "csv" && reader.has(each));
  if (alien !== undefined) throw reader.refuse(alien, "provider.alien_key", `"${alien}" is for CSV only`);
  if (format === "csv" && row.rows !== undefined)
    throw reader.refuse("rows", "provider.alien_key", '"rows" is not for CSV', "all lines but the first are rows");
  if (format === "csv" && row.column === undefined)
    throw reader.refuse("file", "provider.missing", 'CSV needs "column"', "it names the column that holds the key");
  const rows = parsePointer(row.rows ?? "");
  if (rows === undefined)
    throw reader.refuse("rows", "provider.rows", `${JSON.stringify(row.rows)} is no JSON pointer`, "write e.g. /users");
  const delimiter = reader.character("delimiter", ",");
  const listSeparator = reader.character("list-separator", ";");
  const shape = { format, column: row.column, keyType, rows, delimiter: delimiter.charCodeAt(0), listSeparator };
  return { ...shape, targets, name, path: resolve(cwd, name) };
}

function parseLimits(reader: TableReader): CacheLimits {
  return {
    ttl: reader.duration("ttl", "5m"),
    negativeTtl: reader.duration("negative-ttl", "30s"),
    stale: reader.duration("stale", "0"),
    timeout: reader.duration("timeout", "2s", 1),
    entries: reader.integer("max-entries", "10000", 1, 1_000_000),
    outstanding: reader.integer("max-outstanding", "32", 1, 10_000),
  };
}

function parseUrl(reader: TableReader, key: readonly FactName[]): UrlTemplate {
  const url = UrlTemplate.parse(reader.row.url!, key);
  if ("error" in url) throw reader.refuse("url", "provider.url", url.error, url.hint);
  const unused = key.find((_name, i) => !url.uses(i));
  if (unused === undefined) return url;
  throw reader.refuse(
    "url",
    "provider.url",
    `the URL does not ask for ${unused}`,
    `write {${unused}} where it belongs`,
  );
}

function parseGrist(reader: TableReader, key: FactName): UrlTemplate {
  const { url, document, table, column } = reader.row;
  if (/[?#{}]/.test(url!)) throw reader.refuse("url", "provider.url", "the URL is not that of a server of Grist");
  const template = UrlTemplate.parse(gristUrl(url!, { document: document!, table: table!, column: column!, key }), [
    key,
  ]);
  if ("error" in template) throw reader.refuse("url", "provider.url", template.error, template.hint);
  return template;
}

function refuseInTheClear(reader: TableReader, { tls, host }: UrlTemplate): void {
  if (tls || isLoopback(host) || reader.row["unsafe-http"]) return;
  const hint = "write https://, or say unsafe-http = true";
  throw reader.refuse("url", "provider.in_the_clear", `anybody on the way to ${host} can change the facts`, hint);
}

function parseHeaders(reader: TableReader): HeaderPlan[] {
  const { "token-file": token, "header-file": files } = reader.row;
  const headers = files.map((text) => {
    const [, name, file] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):\s*(\S.*)$/s.exec(text) ?? [];
    if (
      name === undefined ||
      file === undefined ||
      /^(?:host|connection|content-length|transfer-encoding)$/i.test(name)
    ) {
      const hint = "write NAME: FILE, e.g. X-Api-Key: /run/secrets/key";
      throw reader.refuse("header-file", "provider.header", `${JSON.stringify(text)} names no header and file`, hint);
    }
    return { name, prefix: "", secret: Secret.ofFile(file) };
  });
  if (token === undefined) return headers;
  return [...headers, { name: "Authorization", prefix: "Bearer ", secret: Secret.ofFile(token) }];
}

function parseTrust(reader: TableReader, name: string, tables: Around["trust"]): TrustSource {
  const found = tables.get(name);
  if (found !== undefined) return found;
  const hint = tables.size === 0 ? `write [trust.${name}]` : `there are ${[...tables.keys()].join(", ")}`;
  throw reader.refuse("trust", "provider.trust", `there is no table [trust.${name}]`, hint);
}
