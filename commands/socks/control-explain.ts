/** `ExplainRequest`: a request that nobody made, decided as one that came in now, and why. Connects nothing. */
import type { Facts } from "../../lib/acl/facts.ts";
import { PortailError } from "../../lib/command/errors.ts";
import { accountOf, type Account } from "../../lib/explain/account.ts";
import { parseFacts } from "../../lib/explain/given.ts";
import { accountJson } from "../../lib/explain/json.ts";
import { accountText } from "../../lib/explain/text.ts";
import { ResolveError } from "../../lib/net/resolve.ts";
import { readParameters, invalidParameter } from "../../lib/service/varlink-parameters.ts";
import type { VarlinkAnswer } from "../../lib/service/varlink-interface.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { parseIp, type Ip } from "../../lib/wire/ip.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";
import type { Proxy } from "./proxy.ts";

export async function explainRequest(proxy: Proxy, parameters: JsonObject): Promise<VarlinkAnswer> {
  const read = readParameters(parameters, {
    host: "?string",
    port: "?int",
    user: "?string",
    facts: "?[]string",
    all: "?bool",
  });
  if ("error" in read) return read;
  const { port, all = false } = read.values;
  if (port !== undefined && (port < 0 || port > 65_535)) return invalidParameter("port");
  const facts = factsOf(read.values);
  if (typeof facts === "string") return { error: "dev.portail.Control.InvalidRequest", parameters: { reason: facts } };
  const account = await decideWith(proxy, await proxy.known(facts));
  const { decision } = account.verdict;
  const resolved = decision.outcome === "resolve" ? undefined : decision;
  return {
    parameters: {
      decision: decision.outcome,
      ...(resolved?.policy !== undefined && { policy: resolved.policy }),
      reason: account.verdict.unresolved ? "unresolved" : (resolved?.reason ?? "unresolved"),
      ...(resolved?.missing !== undefined && { missing: resolved.missing }),
      backends: account.backends,
      text: accountText(account, { color: false, all }),
      account: JSON.parse(accountJson(account)) as JsonObject,
    },
  };
}

interface Given {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly facts: readonly string[] | undefined;
}

/** As of a plain SOCKS5 request of nobody in particular, where nothing else is said; or what is wrong with them. */
function factsOf({ host, port, user, facts = [] }: Given): Facts | string {
  try {
    const canonical = host === undefined ? undefined : canonicalHost(host);
    if (canonical?.error !== undefined) return canonical.error;
    const given = parseFacts(facts);
    return {
      command: "socks",
      "client.auth": "none",
      ...(given.method === undefined && { "proxy.protocol": "socks5", "proxy.cmd": "tcp_connect" }),
      now: Date.now(),
      ...(canonical !== undefined && { host: canonical.host }),
      ...(canonical?.ip !== undefined && { "dest.ip": canonical.ip }),
      ...(port !== undefined && { port }),
      ...(user !== undefined && { "client.user": user }),
      ...given,
    };
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    return error.hint === undefined ? error.message : `${error.message}: ${error.hint}`;
  }
}

/** Names are resolved one after the other, as the decision asks for them; redirects bound their number. */
async function decideWith(proxy: Proxy, facts: Facts): Promise<Account> {
  const known = new Map<string, Ip[]>();
  for (;;) {
    let wanted: string | undefined;
    const addresses = (host: string) => {
      const found = known.get(host);
      if (found === undefined) wanted = host;
      return found;
    };
    const account = accountOf(proxy.policy, { facts, addresses }, proxy.guard, { exits: proxy.backends });
    if (wanted === undefined) return account;
    known.set(wanted, await resolveQuietly(proxy, wanted));
  }
}

async function resolveQuietly(proxy: Proxy, host: string): Promise<Ip[]> {
  try {
    return (await proxy.resolve(host)).flatMap((text) => parseIp(text) ?? []);
  } catch (error) {
    if (error instanceof ResolveError) return [];
    throw error;
  }
}
