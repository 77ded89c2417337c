/** Flags of what TLS agrees on with the other side: the oldest version, and the groups of the key exchange. Opens nothing. */
import { usage } from "../command/argv.ts";
import type { ArgDefinitions, ParsedArgs } from "../command/define.ts";
import { parseChoice } from "../command/values.ts";

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

export interface TlsTerms {
  minVersion: TlsVersion;
  /** Names of OpenSSL, colons between, in the order of preference; undefined is what the library does by itself. */
  groups: string | undefined;
}

/** Those that the runtime has (RFC 8446 section 4.2.7, draft-ietf-tls-ecdhe-mlkem), and what else the curves are called. */
const GROUPS = ["X25519MLKEM768", "X25519", "P-256", "P-384", "P-521"] as const;
const ALIASES: Readonly<Record<string, (typeof GROUPS)[number]>> = {
  prime256v1: "P-256",
  secp256r1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

export const tlsFlags = {
  "min-tls-version": {
    type: "string",
    default: "TLS1.2",
    valueHint: "TLS1.2|TLS1.3",
    group: "TLS",
    description: "The oldest version that is spoken",
  },
  "tls-groups": {
    type: "string",
    valueHint: "LIST",
    group: "TLS",
    description: `Key exchanges, the best first: ${GROUPS.slice(0, -1).join(", ")} or ${GROUPS.at(-1)} (default: the first four)`,
  },
} as const satisfies ArgDefinitions;

/** Throws `PortailError` (64, `usage.value`). */
export function parseTls(given: ParsedArgs<typeof tlsFlags>): TlsTerms {
  return {
    minVersion: parseTlsVersion("--min-tls-version", given["min-tls-version"]),
    groups: given["tls-groups"] === undefined ? undefined : parseGroups("--tls-groups", given["tls-groups"]),
  };
}

/** A version as flags have it: `TLS1.2` or `TLS1.3`. Throws `PortailError` (64, `usage.value`); `flag` is for that. */
export function parseTlsVersion(flag: string, text: string): TlsVersion {
  return parseChoice(flag, text, ["TLS1.2", "TLS1.3"]) === "TLS1.2" ? "TLSv1.2" : "TLSv1.3";
}

function parseGroups(flag: string, text: string): string {
  const hint = `name some of ${GROUPS.join(", ")}, the best first`;
  const groups = text.split(/[,:]/).map((word) => {
    const lower = word.trim().toLowerCase();
    const group =
      GROUPS.find((name) => name.toLowerCase() === lower) ??
      (Object.hasOwn(ALIASES, lower) ? ALIASES[lower] : undefined);
    if (group === undefined) throw usage("usage.value", `${flag}: there is no group ${JSON.stringify(word)}`, hint);
    return group;
  });
  const twice = groups.find((group, i) => groups.indexOf(group) !== i);
  if (twice !== undefined) throw usage("usage.value", `${flag}: ${twice} is named twice`, hint);
  return groups.join(":");
}
