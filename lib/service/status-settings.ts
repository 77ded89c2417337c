/** What `statusFlags` say, as values: where the status listener listens, whether by TLS, and what it may do. Opens nothing. */
import type { ParsedArgs } from "../command/define.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import type { statusFlags } from "../command/flags.ts";
import { parseEndpoint, type Endpoint } from "../net/endpoint.ts";
import { parseTls, type tlsFlags, type TlsTerms } from "../net/tls-flags.ts";
import { canonicalHost } from "../wire/host.ts";
import type { StatusClientSettings } from "./status-clients.ts";

export interface StatusSettings {
  endpoint: Endpoint;
  /** What the operator said; undefined leaves it to the command. */
  scheme: "http" | "https" | undefined;
  /** Whether `POST /_shutdown` ends the daemon. */
  shutdown: boolean;
  /** Who sees whose connections are open, besides those at a UNIX socket. */
  clients: StatusClientSettings | undefined;
  /** Names, canonical, under which browsers may ask for the page, besides loopback's and its address. */
  names: readonly string[];
  /** Over HTTPS; undefined where the command has no flags for it. */
  tls?: TlsTerms | undefined;
}

type StatusGiven = ParsedArgs<typeof statusFlags> & Partial<ParsedArgs<typeof tlsFlags>>;

/** Undefined without `--status`. Throws `PortailError` (64). */
export function parseStatus(args: StatusGiven): StatusSettings | undefined {
  const { status: text, "enable-shutdown": shutdown } = args;
  if (text === undefined) {
    refuseAlone(args);
    return undefined;
  }
  const address = parseAddress(text);
  const { endpoint, scheme } = address;
  const clients = parseClients(args);
  if (clients !== undefined && (endpoint.kind === "unix" || scheme === "http"))
    throw new PortailError("--status-acl needs a status over HTTPS: it looks at certificates", {
      code: "usage.conflict",
      exit: EXIT.usage,
      hint: "write --status https://HOST:PORT, or leave --status-acl and --status-cacert out",
    });
  const own = endpoint.kind === "tcp" ? [endpoint.host.toLowerCase()] : [];
  const names = args["status-name"].map(parseName);
  return { ...address, shutdown, clients, names: [...own, ...names], tls: parseTerms(args) };
}

function parseTerms({ "min-tls-version": oldest, "tls-groups": groups }: StatusGiven): TlsTerms | undefined {
  return oldest === undefined ? undefined : parseTls({ "min-tls-version": oldest, "tls-groups": groups });
}

/** Flags that mean nothing without an address. */
function refuseAlone(args: StatusGiven): void {
  const { "enable-shutdown": shutdown, "status-acl": acl, "status-cacert": cacert, "status-name": names } = args;
  const alone: [flag: string, given: boolean][] = [
    ["--enable-shutdown", shutdown],
    ["--status-acl", acl !== undefined],
    ["--status-cacert", cacert.length > 0],
    ["--status-name", names.length > 0],
  ];
  const flag = alone.find(([, given]) => given)?.[0];
  if (flag === undefined) return;
  throw new PortailError(`${flag} needs --status: it is served there`, {
    code: "usage.missing",
    exit: EXIT.usage,
    hint: "give --status too, e.g. --status unix:/run/portail/status",
  });
}

function parseClients({ "status-acl": acl, "status-cacert": cacert }: StatusGiven): StatusClientSettings | undefined {
  if (acl === undefined && cacert.length === 0) return undefined;
  if (acl !== undefined && cacert.length > 0) return { acl, cacert };
  throw new PortailError("--status-acl and --status-cacert belong together", {
    code: "usage.missing",
    exit: EXIT.usage,
    hint: "one says whose certificates count, the other whom of these to let in",
  });
}

function parseName(text: string): string {
  const { host, error } = canonicalHost(text);
  if (error === undefined) return host;
  throw new PortailError(`--status-name: ${JSON.stringify(text)} is no name of a host: ${error}`, {
    code: "usage.value",
    exit: EXIT.usage,
    hint: "write it as in the address bar of the browser, without port, e.g. proxy.example",
  });
}

/** `[http://|https://]HOST:PORT`, `unix:PATH` or `systemd:NAME`. */
function parseAddress(text: string): Pick<StatusSettings, "endpoint" | "scheme"> {
  const [, scheme, rest = text] = /^(https?):\/\/(.*)$/s.exec(text) ?? [];
  const endpoint = parseEndpoint(rest, "--status");
  if (endpoint.kind === "stdio" || endpoint.kind === "fd" || (scheme !== undefined && endpoint.kind !== "tcp")) {
    throw new PortailError(`--status: ${JSON.stringify(text)} is no place for the status listener`, {
      code: "status.address",
      exit: EXIT.usage,
      hint: "write HOST:PORT, http://HOST:PORT, https://HOST:PORT, unix:PATH or systemd:NAME",
    });
  }
  return { endpoint, scheme: scheme as StatusSettings["scheme"] };
}
