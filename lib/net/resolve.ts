/** Names to addresses, by the system or by named servers, under a deadline. Keeps no cache of its own. */
import type { lookup as Lookup, Resolver } from "node:dns/promises";
import { EXIT, PortailError } from "../command/errors.ts";
import { parseIp } from "../wire/ip.ts";

export type ResolveFailure = "not_found" | "timeout" | "failed";

export class ResolveError extends Error {
  readonly kind: ResolveFailure;
  constructor(kind: ResolveFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Resolves a canonical host name to textual addresses, at least one; rejects with `ResolveError`. */
export type Resolve = (host: string) => Promise<string[]>;

/** Milliseconds that one family waits for the other (RFC 8305 section 3, Resolution Delay). */
const RESOLUTION_DELAY = 50;

/**
 * `servers` are `IP` or `IP:PORT`; none means the system's resolver (hosts file and all). `timeout` in milliseconds.
 * Throws `PortailError` (`resolver.syntax`) for a server that is not an address.
 */
export async function openResolver(servers: readonly string[], timeout: number): Promise<Resolve> {
  // Imported at the start: later there may be no descriptor to load it with.
  const { lookup, Resolver } = await import("node:dns/promises");
  if (servers.length === 0) return (host) => withDeadline(system(lookup, host), timeout);
  for (const server of servers) checkServer(server);
  const resolver = new Resolver({ timeout, tries: 1 });
  resolver.setServers([...servers]);
  return (host) => withDeadline(both(resolver, host), timeout);
}

async function system(lookup: typeof Lookup, host: string): Promise<string[]> {
  const found = await lookup(host, { all: true, verbatim: true }).catch(translate);
  return unique(found.map((entry) => entry.address));
}

/** Asks for both families at once; AAAA stands first where it comes in time. */
async function both(resolver: Resolver, host: string): Promise<string[]> {
  const failures: unknown[] = [];
  const quietly = (answer: Promise<string[]>) =>
    answer.catch((error: unknown): string[] => {
      failures.push(error);
      return [];
    });
  const v6 = quietly(resolver.resolve6(host));
  const v4 = await quietly(resolver.resolve4(host));
  const found = unique([...(await (v4.length > 0 ? within(v6, RESOLUTION_DELAY) : v6)), ...v4]);
  // NXDOMAIN of one family says more than a time-out of the other, and the other way round a time-out may hide an answer.
  if (found.length === 0) translate(failures.find((error) => !isNotFound(error)) ?? failures[0]);
  return found;
}

function within(answer: Promise<string[]>, ms: number): Promise<string[]> {
  return Promise.race([answer, new Promise<string[]>((resolve) => setTimeout(resolve, ms, []))]);
}

async function withDeadline(answer: Promise<string[]>, ms: number): Promise<string[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ResolveError("timeout", `no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function isNotFound(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === "ENOTFOUND" || code === "ENODATA" || code === "EAI_NONAME" || code === "EAI_NODATA";
}

function translate(error: unknown): never {
  const code = (error as { code?: string } | undefined)?.code ?? "ENOTFOUND";
  if (error === undefined || isNotFound(error)) throw new ResolveError("not_found", code);
  throw new ResolveError(code === "ETIMEOUT" || code === "ETIMEDOUT" ? "timeout" : "failed", code);
}

function unique(addresses: string[]): string[] {
  return [...new Set(addresses)];
}

function checkServer(server: string): void {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^[\]]*?))(?::(\d{1,5}))?$/.exec(server) ?? [];
  const port = digits === undefined ? 53 : Number(digits);
  const bare = parseIp(server) !== undefined;
  const v6 = bracketed !== undefined && parseIp(bracketed)?.family === 6;
  const v4 = plain !== undefined && parseIp(plain)?.family === 4;
  if (bare || ((v4 || v6) && port > 0 && port < 65_536)) return;
  throw new PortailError(`--resolver: ${JSON.stringify(server)} is not an address`, {
    code: "resolver.syntax",
    exit: EXIT.usage,
    hint: "write IP, IP:PORT or [IPV6]:PORT; a resolver cannot be named by a name",
  });
}
