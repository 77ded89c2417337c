/** What the access proxy knows of a request, under the ACL's names. */
import type { FactName, Facts } from "../../lib/acl/facts.ts";
import { parseIp, type Ip } from "../../lib/wire/ip.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import { peerFacts } from "../../lib/identity/peer.ts";
import { clientAddress, type Origin } from "./origin.ts";
import type { Asker } from "./passage.ts";

/** Facts whose values cost a system call; filled when a loaded policy asks for them. */
type CostlyFact = "client.ip" | "client.port" | "peer.ip" | "listen.port";

/** The facts of a request. One shape for every protocol: what one does not know is undefined, and so missing. */
export function requestFacts(
  asker: Asker,
  asked: ProxyRequest,
  canonical: { host: string; ip?: Ip },
  wants: Wants,
): Facts {
  const { http } = asked;
  const facts: Mutable<Facts> = {
    command: "socks",
    "client.auth": asker.origin?.tls === undefined ? "none" : "tls",
    "client.user": asker.user,
    "proxy.protocol": asked.protocol,
    "proxy.version": http?.version,
    "proxy.cmd": http === undefined ? (asked.command ?? "tcp_connect") : undefined,
    host: canonical.host,
    port: asked.port,
    "dest.ip": canonical.ip,
    "route.local": true,
    now: Date.now(),
    method: http?.method,
    path: http?.path,
    query: http?.query,
    scheme: http === undefined ? undefined : (http.scheme ?? "http"),
  };
  if (asker.origin !== undefined) Object.assign(facts, originFacts(asker.origin));
  if (wants.anyCostly) addCostly(facts, asker, wants);
  if (wants.headers && http !== undefined) Object.assign(facts, headerFacts(http.headers()));
  return facts;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the loaded policies mention. */
export class Wants {
  readonly anyCostly: boolean;
  readonly headers: boolean;
  readonly #mentions: ReadonlySet<FactName>;

  constructor(mentions: readonly FactName[]) {
    this.#mentions = new Set(mentions);
    const costly: CostlyFact[] = ["client.ip", "client.port", "peer.ip", "listen.port"];
    this.anyCostly = costly.some((name) => this.#mentions.has(name));
    this.headers = mentions.some((name) => name.startsWith("header."));
  }

  has(name: CostlyFact): boolean {
    return this.#mentions.has(name);
  }
}

function originFacts({ tls, peer }: Origin): Facts {
  return {
    ...(tls === undefined ? {} : { "tls.version": tls.version }),
    ...(peer === undefined ? {} : peerFacts(peer, "client")),
  };
}

function addCostly(facts: Mutable<Facts>, asker: Asker, wants: Wants): void {
  const { conn } = asker;
  const client = clientAddress(asker);
  if ("ip" in client) {
    if (wants.has("client.ip")) facts["client.ip"] = parseIp(client.ip);
    if (wants.has("client.port")) facts["client.port"] = client.port;
  }
  if (wants.has("peer.ip") && "ip" in conn.remote) facts["peer.ip"] = parseIp(conn.remote.ip);
  if (wants.has("listen.port") && "ip" in conn.local) facts["listen.port"] = conn.local.port;
}

/** Several lines of one name are one fact, joined as RFC 9110 section 5.3 has it. */
function headerFacts(headers: readonly (readonly [name: string, value: string])[]): Facts {
  const facts: Record<`header.${string}`, string> = {};
  for (const [name, value] of headers) {
    const fact = `header.${name.toLowerCase()}` as const;
    facts[fact] = facts[fact] === undefined ? value : `${facts[fact]}, ${value}`;
  }
  return facts;
}
