/** The proxy that an environment names for a target, by the rules of curl. Speaks to none. */
import { canonicalHost } from "../wire/host.ts";
import { cidrContains, parseCidrLoosely, parseIp, type Ip } from "../wire/ip.ts";
import { isLoopback } from "./endpoint.ts";
import type { Environment } from "./listen.ts";
import { parseProxyUrl, type OutboundProxy } from "./through-proxy.ts";

interface Place {
  host: string;
  port: number;
}

/** In lower case first; an empty one counts as none. */
const PROXIES = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXEMPTIONS = ["no_proxy", "NO_PROXY"];

/**
 * What `https_proxy` or else `all_proxy` names, unless `no_proxy` exempts the target. This machine itself (loopback) is
 * exempt always. A URL without a scheme is an HTTP proxy's. Throws as `parseProxyUrl`, naming the variable.
 */
export function environmentProxy(env: Environment, target: Place): OutboundProxy | undefined {
  const name = PROXIES.find((one) => isSet(env[one]));
  const host = canonicalHost(target.host).host ?? target.host;
  if (name === undefined || isLoopback(host)) return undefined;
  const exempt = EXEMPTIONS.map((one) => env[one]).find(isSet) ?? "";
  if (isExempt(exempt, host, target.port)) return undefined;
  const text = env[name]!.trim();
  return parseProxyUrl(text.includes("://") ? text : `http://${text}`, name);
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== "";
}

/** `list` has, between commas or spaces, `*`, names that stand for those below them too, addresses and networks; all may have a port. */
function isExempt(list: string, host: string, port: number): boolean {
  const ip = parseIp(host);
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || isMeant(entry.toLowerCase(), { host, port }, ip));
}

function isMeant(entry: string, { host, port }: Place, ip: Ip | undefined): boolean {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]+))?$/.exec(entry) ?? [];
  if (digits !== undefined && Number(digits) !== port) return false;
  // Without brackets an IPv6 address has no port.
  const text = bracketed ?? plain ?? entry;
  if (ip === undefined) {
    const name = text.replace(/^\*?\./, "").replace(/\.$/, "");
    return name !== "" && (host === name || host.endsWith(`.${name}`));
  }
  const network = parseCidrLoosely(text);
  return network !== undefined && cidrContains(network, ip);
}
