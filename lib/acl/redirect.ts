/** Targets of `redirect`: `host`, `host:port` and URLs. Not connecting. */
import { canonicalHost } from "../wire/host.ts";
import { type Facts } from "./facts.ts";
import type { RedirectTarget } from "./model.ts";

/** A redirected request is decided again; after this many redirects it is denied. */
export const MAX_REDIRECTS = 8;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, ws: 80, https: 443, wss: 443, ssh: 22, ftp: 21 };

/** The target, or `error`: half a sentence. An authority without a port keeps the port that was asked for. */
export function parseRedirect(
  text: string,
): { target: RedirectTarget; error?: undefined } | { target?: undefined; error: string; hint?: string } {
  const url = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/.exec(text);
  const scheme = url?.[1]!.toLowerCase();
  const authority = url === null ? text : url[2]!;
  if (authority.includes("@")) return { error: "a redirect cannot hold a user name" };
  const parts = /^(\[[^\]]*\]|[^:/?#[\]]*)(?::([0-9]{1,5}))?$/.exec(authority);
  if (parts === null || parts[1] === "")
    return { error: "it names no host", hint: 'write "host", "host:port" or "https://host/"' };
  const canonical = canonicalHost(parts[1]!);
  if (canonical.error !== undefined) return { error: canonical.error };
  const port = parts[2] === undefined ? DEFAULT_PORTS[scheme ?? ""] : Number(parts[2]);
  if (port !== undefined && (port < 1 || port > 65535)) return { error: "the port is not between 1 and 65535" };
  if (scheme !== undefined && port === undefined)
    return { error: `the scheme "${scheme}" has no default port`, hint: "write the port" };
  const path = url?.[3] === undefined || url[3] === "" ? undefined : url[3];
  const { host, ip } = canonical;
  return {
    target: {
      host,
      ...(ip && { ip }),
      ...(port !== undefined && { port }),
      ...(scheme !== undefined && { scheme }),
      ...(path !== undefined && { path }),
    },
  };
}

/** The facts of the request after a redirect: to be decided again. What was resolved for the old host is dropped. */
export function redirectedFacts(facts: Facts, target: RedirectTarget): Facts {
  const { "dest.ip": _, ...rest } = facts;
  return {
    ...rest,
    host: target.host,
    ...(target.port === undefined ? {} : { port: target.port }),
    ...(target.ip === undefined ? {} : { "dest.ip": target.ip }),
  };
}
