/** A rule in force: how its targets are come to, and who they must be. Chooses nothing. */
import type { Deadlines } from "../../lib/net/deadlines.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { StartTlsProtocol } from "../../lib/net/starttls.ts";
import { Target, type TargetTools } from "../../lib/net/target.ts";
import { SessionCache, type HandshakeOptions } from "../../lib/net/tls-conn.ts";
import type { TlsContext } from "../../lib/net/tls-context.ts";
import type { OutboundSide, SecuredWay } from "../../lib/net/upstream.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { Arrival } from "./arrival.ts";
import type { Loaded, RuleFiles } from "./load.ts";
import type { CarriedCounts } from "../../lib/service/carried-metrics.ts";
import { questionOf } from "./question.ts";
import type { RuleMatch } from "./rule.ts";
import type { RuleSettings, StartTls } from "./rule-settings.ts";

interface RouteTools {
  targetTools: TargetTools;
  deadlines: Deadlines;
  keepAlive: KeepAlive;
  resumption: boolean;
}

/** Places and sessions that are remembered of a rule; names are the clients' to choose. */
const MOST = 1024;

export class Route implements RuleMatch {
  readonly settings: RuleSettings;
  readonly files: RuleFiles;
  readonly counts: CarriedCounts;
  readonly #tools: RouteTools;
  readonly #proxy: OutboundSide | undefined;
  readonly #targets = new Map<string, Target>();
  readonly #sessions = new Map<string, SessionCache>();

  constructor({ settings, files }: Loaded["rules"][number], counts: CarriedCounts, tools: RouteTools) {
    this.settings = settings;
    this.files = files;
    this.counts = counts;
    this.#tools = tools;
    this.#proxy = this.#outboundSide();
  }

  get name(): string {
    return this.settings.name;
  }
  get names(): RuleMatch["names"] {
    return this.settings.names;
  }
  get ports(): RuleMatch["ports"] {
    return this.settings.ports;
  }
  get passthrough(): boolean {
    return this.settings.passthrough;
  }
  get users(): RuleMatch["users"] {
    return this.settings.users;
  }
  get groups(): RuleMatch["groups"] {
    return this.settings.groups;
  }
  get cgroups(): RuleMatch["cgroups"] {
    return this.settings.cgroups;
  }
  get starttls(): StartTls | undefined {
    return this.settings.starttls;
  }

  /** Where `host` is dialled: its addresses are remembered for a moment. */
  target(host: string, port: number): Target {
    const key = `${host} ${port}`;
    const make = () => new Target({ kind: "tcp", host, port }, this.#tools.targetTools);
    return remembered(this.#targets, key, make);
  }

  /** What is connected to for it: the same, or the proxy before it. */
  firstHop(host: string, port: number): Target {
    return this.#proxy?.target ?? this.target(host, port);
  }

  /** The way to the server that the client meant, or that the rule says instead. */
  wayTo(arrival: Arrival, startTls?: SecuredWay["startTls"]): SecuredWay {
    const { verifier } = this.files;
    const { serverName = arrival.host, rules, cnAsName, protocolIds, starttls } = this.settings;
    const how: StartTlsProtocol | undefined = starttls === "postgres" ? "postgres" : undefined;
    return {
      proxy: this.#proxy,
      deadlines: this.#tools.deadlines,
      settings: { starttls: how, serverName, rules, cnAsName, protocolIds },
      trust: this.files.trust,
      handshakeOptions: (target, name) => ({
        ...this.#options(name, this.files.context),
        verify: rules?.pinned !== true,
        protocolIds,
        sessions: this.#sessionsOf(`${name} ${target.text}`),
      }),
      ...(startTls && { startTls }),
      ...(verifier && { verify: (server) => verifier.ask(questionOf(server, arrival)) }),
    };
  }

  #sessionsOf(key: string): SessionCache | undefined {
    return this.#tools.resumption ? remembered(this.#sessions, key, () => new SessionCache()) : undefined;
  }

  #outboundSide(): OutboundSide | undefined {
    const { proxy: url } = this.settings;
    if (url === undefined) return undefined;
    const endpoint = { kind: "tcp", host: url.host, port: url.port } as const;
    return {
      url,
      target: new Target(endpoint, this.#tools.targetTools),
      handshakeOptions: () => this.#options(url.host, this.files.proxyContext!),
    };
  }

  #options(name: string, context: TlsContext): HandshakeOptions {
    const { deadlines, keepAlive } = this.#tools;
    return {
      context,
      requestCert: true,
      verify: true,
      protocolIds: [],
      serverName: parseIp(name) === undefined ? name : undefined,
      deadlines,
      keepAlive,
    };
  }
}

/** When there are too many, the oldest is forgotten. */
function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= MOST) known.delete(known.keys().next().value!);
  const made = make();
  known.set(key, made);
  return made;
}
