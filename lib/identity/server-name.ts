/** Whether a certificate is for the server name that was asked for (RFC 9525, before it RFC 6125). Verifies no chain and makes no connection. */
import { canonicalHost } from "../wire/host.ts";
import { formatIp } from "../wire/ip.ts";
import type { Peer } from "./peer.ts";
import { quoteSome } from "./quote.ts";

interface ServerNameOptions {
  /** `--unsafe-cn-as-name`: the common name counts where the certificate has no alternative names of any kind. */
  cnWithoutSan?: boolean;
}

/** `reason` is stable; `message` half a sentence in which what the peer sent is quoted. */
type ServerNameVerdict =
  | { ok: true; by: "dns" | "ip" | "cn" }
  | { ok: false; reason: "server_name_invalid" | "server_name_mismatch"; message: string };

/**
 * Holds the name, in any spelling that lib/wire/host.ts takes, against the alternative names of the certificate: an
 * address against its addresses alone, a name against its DNS names alone, both without regard to case and to one dot at
 * the end. `*` stands for exactly one label, and only as the whole of the left-most one (RFC 9525 section 6.3). URIs and,
 * but for the option, the common name say nothing.
 */
export function checkServerName(peer: Peer, name: string, options: ServerNameOptions = {}): ServerNameVerdict {
  const asked = canonicalHost(name);
  if (asked.error !== undefined) return { ok: false, reason: "server_name_invalid", message: asked.error };
  const { host, ip } = asked;
  if (ip !== undefined) return peer.ip.includes(formatIp(ip)) ? { ok: true, by: "ip" } : mismatch(peer, host, peer.ip);
  if (peer.dns.some((presented) => matchesName(presented, host))) return { ok: true, by: "dns" };
  const { cn } = peer;
  const countsCn = options.cnWithoutSan === true && !peer.hasAltNames && cn !== undefined;
  return countsCn && matchesName(cn, host) ? { ok: true, by: "cn" } : mismatch(peer, host, peer.dns);
}

/** `host` is canonical: a name in lower case with A-labels, without empty labels, `*` and a dot at the end. */
function matchesName(presented: string, host: string): boolean {
  const lower = presented.toLowerCase();
  const pattern = lower.endsWith(".") ? lower.slice(0, -1) : lower;
  if (!pattern.startsWith("*.")) return pattern === host;
  const rest = pattern.slice(1);
  return host.endsWith(rest) && host.indexOf(".") === host.length - rest.length;
}

function mismatch(peer: Peer, host: string, names: readonly string[]): ServerNameVerdict {
  const wanted = JSON.stringify(host);
  const message =
    names.length > 0
      ? `the certificate is for ${quoteSome(names)} and not for ${wanted}`
      : !peer.hasAltNames && peer.cn !== undefined
        ? `the certificate has no alternative names for ${wanted}, and its common name does not count`
        : `the certificate has no name of the kind of ${wanted}`;
  return { ok: false, reason: "server_name_mismatch", message };
}
