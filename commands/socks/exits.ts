/** The ways out of the access proxy, as the configuration names them: backends, the default, and what is done when all fail. */
import type { Exits } from "../../lib/acl/routed.ts";
import type { ConfigTables, TableRow } from "../../lib/command/config-tables.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Logger } from "../../lib/command/log.ts";
import { nearest } from "../../lib/command/nearest.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { parseIdentityFlags, type IdentitySources } from "../../lib/identity/flags.ts";
import { Secret } from "../../lib/identity/secret.ts";
import { Backend, type BackendTools } from "../../lib/net/backend.ts";
import { MOST_CONNECTIONS, parseBackendUrl, type BackendUrl } from "../../lib/net/backend-url.ts";
import { HealthChecks, parseHealth, type HealthPlan } from "./backend-health.ts";
import type { args } from "./flags.ts";

/** One backend, and the files that it needs. */
export interface BackendPlan {
  name: string;
  url: BackendUrl | undefined;
  dynamic: boolean;
  serverName: string | undefined;
  /** Of TLS with it: what it is shown, and whom we believe. */
  sources: IdentitySources;
  /** Holds `USER:PASSWORD`. */
  credentials: Secret | undefined;
  /** Undefined where it is judged by requests alone. */
  health: HealthPlan | undefined;
}

export interface ExitSettings {
  backends: readonly BackendPlan[];
  /** For requests that no route claims; undefined is a direct exit. */
  defaultBackend: string | undefined;
  /** Whether a request whose backends all failed may go out directly, if the policy allows that. */
  fallback: boolean;
}

/** Throws `PortailError` (`config.backend`, `proxy.url`, …) with the name of the table. */
export function parseExits(given: ParsedArgs<typeof args>, tables: ConfigTables): ExitSettings {
  const backends = [...tables.backend].map(([name, row]) => parseBackend(name, row, tables));
  const defaultBackend = given["default-backend"];
  if (defaultBackend !== undefined && !tables.backend.has(defaultBackend)) {
    const names = [...tables.backend.keys()];
    const guess = nearest(defaultBackend, names);
    throw new PortailError(`--default-backend: there is no backend ${JSON.stringify(defaultBackend)}`, {
      code: "backend.unknown",
      exit: EXIT.config,
      hint:
        guess === undefined ? `write [backend.${defaultBackend}] in the file of --config` : `did you mean ${guess}?`,
    });
  }
  return {
    backends,
    defaultBackend,
    fallback: parseChoice("--fallback", given.fallback, ["none", "direct"]) === "direct",
  };
}

function parseBackend(name: string, row: TableRow<"backend">, tables: ConfigTables): BackendPlan {
  const where = `[backend.${name}]`;
  const refuse = (message: string, hint: string) =>
    new PortailError(`${where}: ${message}`, { code: "config.backend", exit: EXIT.config, hint });
  if (row.target === undefined && !row.dynamic)
    throw refuse("target is missing", "only a dynamic backend may be without");
  const parsed = row.target === undefined ? undefined : parseBackendUrl(row.target, where);
  const config = row["ssh-config"];
  if (config !== undefined && parsed?.kind !== "ssh") throw refuse("ssh-config is for ssh:// only", "leave it out");
  const url = config !== undefined && parsed?.kind === "ssh" ? { ...parsed, config } : withHttp2(parsed, row, refuse);
  if (row.dynamic && url !== undefined && url.kind !== "same")
    throw refuse("a dynamic backend leads to same://HOST:PORT", "leave target out, or dynamic");
  const found = <T>(
    kind: "identity" | "trust",
    table: ReadonlyMap<string, T>,
    key: string | undefined,
  ): T | undefined => {
    if (key === undefined) return undefined;
    const value = table.get(key);
    if (value === undefined) throw refuse(`there is no table [${kind}.${key}]`, `write [${kind}.${key}]`);
    return value;
  };
  const identity = found("identity", tables.identity, row.identity);
  const trust = found("trust", tables.trust, row.trust) ?? { cacert: [], crl: [] };
  const sources = parseIdentityFlags({ ...NO_IDENTITY, ...identity, ...trust });
  if (
    url !== undefined &&
    !usesTls(url) &&
    (identity !== undefined || row.trust !== undefined || row["server-name"] !== undefined)
  )
    throw refuse(
      "identity, trust and server-name are for TLS, which it does not speak",
      "write https:// or socks5+tls://",
    );
  const file = row["auth-file"];
  if (file !== undefined && url?.kind !== "proxy")
    throw refuse("auth-file is for http:// and socks5:// only", "leave it out");
  return {
    name,
    url,
    dynamic: row.dynamic,
    serverName: row["server-name"],
    sources,
    credentials: file === undefined ? undefined : Secret.ofFile(file),
    health: parseHealth(row, where, url?.kind === "direct"),
  };
}

/** As `http-version` and `max-connections` have it. */
function withHttp2(
  url: BackendUrl | undefined,
  row: TableRow<"backend">,
  refuse: (message: string, hint: string) => PortailError,
): BackendUrl | undefined {
  const most = row["max-connections"];
  const version = row["http-version"];
  if (version === undefined && most === undefined) return url;
  if (url?.kind !== "proxy" || url.proxy.protocol !== "http")
    throw refuse(
      "http-version and max-connections are for HTTP proxies",
      "leave them out, or write https:// or h2c://",
    );
  const chosen = parseChoice("http-version", version ?? "auto", ["auto", "1.1", "2"]);
  if (chosen === "1.1" && url.http2?.http1 === false)
    throw refuse("h2c:// is HTTP/2", 'write http://, or leave http-version = "1.1" out');
  const http2 = chosen === "2" ? { most: MOST_CONNECTIONS, http1: false } : url.http2;
  if (chosen === "1.1" || http2 === undefined) {
    if (most !== undefined) throw refuse("max-connections is for HTTP/2", "leave it out, or write https:// or h2c://");
    return { kind: "proxy", proxy: url.proxy };
  }
  if (most === undefined) return { ...url, http2 };
  return { ...url, http2: { ...http2, most: parseInteger("max-connections", most, { min: 1, max: 10_000 }) } };
}

const NO_IDENTITY = {
  cert: undefined,
  key: undefined,
  keystore: undefined,
  storepass: undefined,
  "storepass-file": undefined,
};

function usesTls(url: BackendUrl): boolean {
  return (url.kind === "proxy" && url.proxy.tls) || (url.kind === "same" && url.http.tls);
}

/** The backends of a proxy that runs, and which is the default: that may change meanwhile. */
export class Backends implements Exits {
  readonly all: ReadonlyMap<string, Backend>;
  readonly fallback: boolean;
  readonly checks: HealthChecks;
  /** The name of one of them. */
  default: string | undefined;

  constructor({ backends, defaultBackend, fallback }: ExitSettings, tools: BackendTools, log: Logger) {
    const made = backends.map((plan) => [plan.name, new Backend(plan.name, plan.url, plan, tools)] as const);
    this.all = new Map(made);
    this.default = defaultBackend;
    this.fallback = fallback;
    const checked = backends.flatMap(({ name, health }) =>
      health === undefined ? [] : [[this.all.get(name)!, health] as const],
    );
    this.checks = new HealthChecks(checked, log, tools.timeout);
  }

  get otherwise(): readonly string[] {
    return this.default === undefined ? [] : [this.default];
  }

  isDirect(name: string): boolean {
    return this.all.get(name)?.isDirect ?? false;
  }

  close(): void {
    this.checks.stop();
    for (const backend of this.all.values()) backend.close();
  }
}
