/** Whether a page is asked for under a name of ours: under another, a stranger's page may have led the browser here (DNS rebinding). */
import { parseIp } from "../wire/ip.ts";

/**
 * `field` is Host as it was sent. An address is nobody's name and cannot be led elsewhere; of names, those of loopback
 * count (RFC 6761 section 6.3), and those that `isOurs` knows, which gets them in lower case without a dot at the end.
 */
export function isAskedOfUs(field: string | undefined, isOurs: (name: string) => boolean): boolean {
  const [, literal, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(field ?? "") ?? [];
  if (literal !== undefined) return parseIp(literal)?.family === 6;
  if (name === undefined) return false;
  const lower = name.toLowerCase().replace(/\.$/, "");
  return parseIp(lower) !== undefined || lower === "localhost" || lower.endsWith(".localhost") || isOurs(lower);
}
