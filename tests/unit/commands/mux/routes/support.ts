/** Routes in few words, and the order of routes as the issue of it says, written as plainly as can be. Asserts nothing. */
import {
  isCapture,
  parseBytesPattern,
  parseFirstBytes,
  parseNamePattern,
  parseProtocolId,
  parseServerName,
  type NamePattern,
  type RouteMatch,
} from "../../../../../commands/mux/routes/match.ts";
import type { Asked, HelloWay } from "../../../../../commands/mux/routes/table.ts";

export interface RouteWords {
  name?: string;
  /** A pattern begins with `~`. */
  names?: readonly string[];
  alpn?: readonly string[];
  postgres?: boolean;
  /** A pattern begins with `~`. */
  bytes?: readonly string[];
  refuse?: string;
}

const isPattern = (text: string) => text.startsWith("~");

export function route({
  name = "r",
  names = [],
  alpn = [],
  postgres = false,
  bytes = [],
  refuse,
}: RouteWords): RouteMatch {
  return {
    name,
    serverNames: names.map((text) => (isPattern(text) ? parseNamePattern(text.slice(1)) : parseServerName(text))),
    protocolIds: alpn.map(parseProtocolId),
    postgres,
    firstBytes: bytes.filter((text) => !isPattern(text)).map(parseFirstBytes),
    patterns: bytes.filter(isPattern).map((text) => parseBytesPattern(text.slice(1))),
    refuse,
  };
}

/** `NAME`, `NAME id`, `NAME id capture`, or the code of the refusal. */
export function referenceChoice(routes: readonly RouteMatch[], asked: Asked, way: HelloWay): string {
  const hellos = routes.filter((one) => one.firstBytes.length + one.patterns.length === 0);
  const usable = way === "postgres" ? hellos.filter((one) => one.postgres) : hellos;
  const isAcme = way === "tls" && asked.protocolIds?.length === 1 && asked.protocolIds[0] === "acme-tls/1";
  const named = usable.filter((one) => isOf(one, bestName(usable, asked.serverName)));
  const nameless = usable.filter((one) => one.serverNames.length === 0);
  if (isAcme) {
    const has = (one: RouteMatch) => one.protocolIds.some((id) => id.kind === "exact" && id.id === "acme-tls/1");
    const found = named.find(has) ?? nameless.find(has);
    if (found !== undefined) return `${found.name} acme-tls/1`;
  }
  if (named.length === 0) return "unknown_server_name";
  if (way === "tls") {
    let refusing: string | undefined;
    for (const id of asked.protocolIds ?? []) {
      const exact = named.find((one) => idsOf(one).some((each) => each.kind === "exact" && each.text === id));
      if (exact !== undefined) {
        if (exact.refuse === undefined) return `${exact.name} ${id}`;
        refusing ??= `${exact.name} ${id}`;
        continue;
      }
      const prefixes = named
        .flatMap((one) => idsOf(one).map((each) => ({ ...each, one })))
        .filter((each) => (each.kind === "one" || each.kind === "any") && id.startsWith(each.text))
        .toSorted((a, b) => b.text.length - a.text.length);
      if (prefixes.length === 0) continue;
      const { text, one, kind } = prefixes[0]!;
      const capture = id.slice(text.length);
      if (kind === "one" && !isCapture(capture)) return "bad_capture";
      const chosen = kind === "any" ? `${one.name} ${id}` : `${one.name} ${id} ${capture}`;
      if (one.refuse === undefined) return chosen;
      refusing ??= chosen;
    }
    if (refusing !== undefined) return refusing;
    const none = named.find((one) => idsOf(one).some(({ kind }) => kind === "none"));
    if (none !== undefined && (asked.protocolIds ?? []).length === 0) return none.name;
  }
  const fallback = named.find((one) => way === "postgres" || idsOf(one).length === 0);
  if (fallback !== undefined && way === "postgres" && asked.protocolIds?.includes("postgresql"))
    return `${fallback.name} postgresql`;
  return fallback?.name ?? "no_application_protocol";
}

function idsOf(one: RouteMatch): { text: string; kind: "exact" | "one" | "any" | "none" }[] {
  if (one.protocolIds.length === 0 && one.postgres) return [{ text: "postgresql", kind: "exact" }];
  return one.protocolIds.map((id) => {
    if (id.kind === "none") return { text: "", kind: "none" };
    if (id.kind === "exact") return { text: id.id, kind: "exact" };
    return { text: id.prefix, kind: id.captures ? "one" : "any" };
  });
}

/** The pattern that wins among all that match the name; undefined is none. */
function bestName(routes: readonly RouteMatch[], name: string | undefined): NamePattern | undefined {
  if (name === undefined) return undefined;
  const all = routes.flatMap((one) => one.serverNames);
  const exact = all.find((one) => one.kind === "exact" && one.name === name);
  if (exact !== undefined) return exact;
  const wildcards = all
    .filter((one): one is Extract<NamePattern, { suffix: string }> => "suffix" in one)
    .filter((one) => {
      if (!name.endsWith(`.${one.suffix}`)) return false;
      return one.kind === "deep" || !name.slice(0, -one.suffix.length - 1).includes(".");
    })
    .toSorted((a, b) => b.suffix.split(".").length - a.suffix.split(".").length || (a.kind === "one" ? -1 : 1));
  return wildcards[0] ?? all.find((one) => one.kind === "pattern" && one.pattern.test(name));
}

function isOf(one: RouteMatch, best: NamePattern | undefined): boolean {
  if (best === undefined) return one.serverNames.length === 0;
  return one.serverNames.some((each) => textOf(each) === textOf(best));
}

function textOf(pattern: NamePattern): string {
  if (pattern.kind === "exact") return `exact ${pattern.name}`;
  return pattern.kind === "pattern" ? `pattern ${pattern.pattern.text}` : `${pattern.kind} ${pattern.suffix}`;
}
