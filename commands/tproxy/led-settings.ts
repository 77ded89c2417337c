/** What `portail tproxy run` was told about its stub resolver, as values. Opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { parseNames } from "./dns-settings.ts";
import type { runArgs } from "./flags.ts";
import { hasIpv6 } from "./has-ipv6.ts";
import type { LedSettings } from "./led-names.ts";
import type { RuleSettings } from "./rule-settings.ts";
import { formatCidr } from "../../lib/wire/ip.ts";
import { parseDnsPort, parseNames as parseRanges } from "./settings.ts";

/** Undefined where none is wanted. Throws `PortailError` for values that make no sense. */
export function parseLed(given: ParsedArgs<typeof runArgs>, rules: readonly RuleSettings[]): LedSettings | undefined {
  const port = parseDnsPort(given);
  if (port === undefined) {
    const beside = given["dns-state"] !== undefined ? "dns-state" : "dns-upstream";
    if (given["dns-state"] !== undefined || given["dns-upstream"].length > 0)
      throw usage("usage.missing", `--${beside} needs --dns-port`, "say where names are answered, e.g. 5300");
    return undefined;
  }
  const settings = parseNames({
    match: rules.flatMap(({ names }) => (names.length === 0 ? ["*"] : names.map(({ text }) => text))),
    map: [],
    range: parseRanges(given).fake.map(formatCidr),
    state: given["dns-state"],
    ttl: given["dns-ttl"],
    "reuse-after": given["dns-reuse-after"],
    upstream: given["dns-upstream"],
    "upstream-timeout": given["dns-upstream-timeout"],
    "allow-from": [],
    "max-waiting": given["max-dns-waiting"],
    "max-dns-conns": given["max-dns-conns"],
    "dns-idle-timeout": given["dns-idle-timeout"],
  });
  const hosts = ["127.0.0.1", ...(hasIpv6() ? ["::1"] : [])];
  return { ...settings, listen: hosts.map((host) => ({ kind: "tcp", host, port })) };
}
