/** The configuration file of cloud-gouv/portail (`/etc/portail.toml`) in terms of our flags and backends. Opens nothing but the file. */
import { readFileSync } from "node:fs";
import type { TomlTable, TomlValue } from "smol-toml";
import { parseIp } from "../wire/ip.ts";
import type { ArgValue, ArgValues } from "./argv.ts";
import { EXIT, PortailError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { TomlDocument } from "./toml-document.ts";

export interface ReferenceConfig {
  /** For the flags of `portail socks`, by name. */
  readonly values: ArgValues;
  readonly backends: ReadonlyMap<string, ReferenceBackend>;
  /** Certificates that backends which speak TLS are held against: the reference has one file for them and for clients. */
  readonly backendTrust: string | undefined;
  /** A line each: what is accepted and means nothing here, or something else. */
  readonly warnings: readonly string[];
}

interface ReferenceBackend {
  /** `ip:port`; undefined of a dynamic one that leads nowhere yet. */
  readonly target: string | undefined;
  readonly dynamic: boolean;
  readonly tls: boolean;
  readonly serverName: string | undefined;
}

type Kind = "text" | "seconds" | "count" | "flag" | "texts" | "addresses" | "address" | "section" | "named";

/** Keys by section; the top has none. In the order of the reference's documentation. */
const KEYS: Record<string, Record<string, Kind>> = {
  "": {
    "filter-acl-rules-path": "text",
    "explain-acl-rules-path": "text",
    "public-address": "address",
    "handshake-timeout": "seconds",
    "connect-timeout": "seconds",
    "request-timeout": "seconds",
    "tcp-nodelay": "flag",
    "default-backend": "text",
    "max-connections": "count",
    dns: "section",
    backends: "named",
    listener: "section",
    escaper: "section",
    rpc: "section",
  },
  dns: { resolvers: "addresses", timeout: "seconds" },
  backends: { "target-address": "text", dynamic: "flag", "identity-aware": "flag", "tls-server-name": "text" },
  listener: { "cacert-file": "text", "tls-privkey": "text", "tls-chain": "text" },
  escaper: { "cacert-file": "text", "tls-privkey": "text", "tls-certificate": "text", "pkcs11-uri": "text" },
  rpc: { "admin-groups": "texts", "trusted-groups": "texts" },
};

/** Throws `PortailError`: 66 where it cannot be read, else as `parseReferenceConfig`. */
export function readReferenceConfig(path: string): ReferenceConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new PortailError(`cannot read configuration "${path}": ${(error as NodeJS.ErrnoException).code}`, {
      code: "config.unreadable",
      exit: EXIT.noInput,
      hint: "name the file with --config",
      cause: error,
    });
  }
  return parseReferenceConfig(text, path);
}

/** Throws `PortailError` (78) with file and line for an error of syntax, an unknown key (and the nearest), or a wrong value. */
export function parseReferenceConfig(text: string, file: string): ReferenceConfig {
  const reader = new Reader(text, file);
  const top = reader.section("", reader.document);
  const values = new Map<string, ArgValue>();
  const warnings: string[] = [];
  const put = (name: string, value: ArgValue | undefined) => value !== undefined && values.set(name, value);
  const unused = (key: string, why: string) => warnings.push(`${file}: "${key}" ${why}`);

  put("acl", top["filter-acl-rules-path"] as string | undefined);
  put("handshake-timeout", `${(top["handshake-timeout"] as number | undefined) ?? 15}s`);
  if (top["connect-timeout"] !== undefined && top["request-timeout"] !== undefined)
    throw reader.refuse(["request-timeout"], "config.repeated", '"request-timeout" is "connect-timeout", given twice');
  put("connect-timeout", `${((top["connect-timeout"] ?? top["request-timeout"]) as number | undefined) ?? 30}s`);
  put("default-backend", top["default-backend"] as string | undefined);
  put("max-concurrent-conns", top["max-connections"]?.toString());
  if (top["tcp-nodelay"] === false) unused("tcp-nodelay", "cannot be turned off: TCP_NODELAY is set on every socket");
  for (const key of ["explain-acl-rules-path", "public-address"])
    if (top[key] !== undefined) unused(key, "is not used");

  const dns = reader.section("dns", top["dns"]);
  put("resolver", dns["resolvers"] as string[] | undefined);
  put("dns-timeout", `${(dns["timeout"] as number | undefined) ?? 5}s`);

  const rpc = reader.section("rpc", top["rpc"]);
  put("control-admin-group", rpc["admin-groups"] as string[] | undefined);
  put("control-trusted-group", rpc["trusted-groups"] as string[] | undefined);

  const { "tls-chain": chain, "tls-privkey": key, "cacert-file": cacert } = reader.section("listener", top["listener"]);
  if ((chain === undefined) !== (key === undefined))
    throw reader.refuse(["listener"], "config.missing", '"tls-chain" and "tls-privkey" go together in "listener"');
  if (chain !== undefined) {
    put("cert", chain as string);
    put("key", key as string);
    // Certificates are demanded where there is TLS, and there need not be.
    put("tls", "optional");
    unused("listener.tls-chain", "does not keep clients from coming in the clear, as there");
    if (cacert !== undefined) put("cacert", [cacert as string]);
  }

  for (const name of Object.keys(reader.section("escaper", top["escaper"])))
    unused(
      `escaper.${name}`,
      "is not used; [identity.NAME] and [trust.NAME] of our own configuration are for backends",
    );
  const backends = backendsOf(reader, top["backends"]);
  for (const [name, { tls, dynamic, serverName }] of backends) {
    if (serverName !== undefined && !tls && !dynamic)
      unused(`backends.${name}.tls-server-name`, "is for TLS: say identity-aware = true");
  }
  const wanted = top["default-backend"] as string | undefined;
  if (wanted !== undefined && !backends.has(wanted)) {
    const guess = nearest(wanted, backends.keys());
    const hint = guess === undefined ? 'name it in "backends"' : `did you mean "${guess}"?`;
    throw reader.refuse(["default-backend"], "config.unknown_backend", `there is no backend "${wanted}"`, hint);
  }
  return { values, backends, backendTrust: cacert as string | undefined, warnings };
}

function backendsOf(reader: Reader, given: unknown): Map<string, ReferenceBackend> {
  const rows = Object.entries((given ?? {}) as TomlTable).map(([name, row]): [string, ReferenceBackend] => {
    const path = ["backends", name];
    const read = reader.section("backends", row, path);
    const { "target-address": target, "tls-server-name": serverName } = read as Record<string, string | undefined>;
    const dynamic = read["dynamic"] === true;
    if (target === undefined && !dynamic)
      throw reader.refuse(
        path,
        "config.missing",
        `"target-address" is required in "${path.join(".")}"`,
        "or say dynamic = true",
      );
    if (target !== undefined && !isAddress(target))
      throw reader.refuse([...path, "target-address"], "config.wrong_value", `"${target}" is not IP:PORT`);
    return [name, { target, dynamic, tls: read["identity-aware"] === true, serverName }];
  });
  return new Map(rows);
}

function isAddress(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  return parseIp(bracketed ?? plain ?? "") !== undefined && Number(port) > 0 && Number(port) <= 65_535;
}

type Section = Record<string, string | number | boolean | string[] | TomlTable | undefined>;

class Reader extends TomlDocument {
  /** The values of a section; `_` in a key equals `-`. */
  section(name: string, given: unknown, path: readonly string[] = name === "" ? [] : [name]): Section {
    const known = KEYS[name]!;
    if (given === undefined) return {};
    if (!isTable(given)) throw this.refuse(path, "config.wrong_type", `"${path.join(".")}" must be a table`);
    const read: Section = {};
    for (const [typed, value] of Object.entries(given)) {
      const key = typed.replaceAll("_", "-");
      const kind = Object.hasOwn(known, key) ? known[key] : undefined;
      const at = [...path, typed];
      if (kind === undefined) {
        const guess = nearest(key, Object.keys(known));
        const hint = guess === undefined ? undefined : `did you mean "${guess}"?`;
        throw this.refuse(at, "config.unknown_key", `unknown key "${at.join(".")}"`, hint);
      }
      if (Object.hasOwn(read, key))
        throw this.refuse(at, "config.repeated", `"${at.join(".")}" is given more than once`);
      if (!isKind(kind, value)) {
        throw this.refuse(at, "config.wrong_type", `"${at.join(".")}" must be ${EXPECTED[kind]}`);
      }
      read[key] = value as Section[string];
    }
    return read;
  }
}

const EXPECTED: Record<Kind, string> = {
  text: "a string",
  seconds: "an integer, seconds from 1 to 86400",
  count: "an integer from 1 to 1000000",
  flag: "true or false",
  texts: "a list of strings",
  addresses: "a list of IP addresses",
  address: "an IP address",
  section: "a table",
  named: "a table of tables",
};

function isKind(kind: Kind, value: TomlValue): boolean {
  const isIp = (text: unknown) => typeof text === "string" && parseIp(text) !== undefined;
  switch (kind) {
    case "text":
      return typeof value === "string" && value !== "";
    case "seconds":
      return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 86_400;
    case "count":
      return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1_000_000;
    case "flag":
      return typeof value === "boolean";
    case "texts":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "addresses":
      return Array.isArray(value) && value.every(isIp);
    case "address":
      return isIp(value);
    case "section":
      return isTable(value);
    case "named":
      return isTable(value) && Object.values(value).every(isTable);
  }
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
