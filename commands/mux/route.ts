/** A route in force: its settings, what was read for it, its targets and counts. Chooses nothing. */
import type { Policy } from "../../lib/acl/policy.ts";
import type { Identity } from "../../lib/identity/identity.ts";
import type { Trust } from "../../lib/identity/trust.ts";
import { Target, Targets, type TargetTools } from "../../lib/net/target.ts";
import { SessionCache } from "../../lib/net/tls-conn.ts";
import type { TlsContext } from "../../lib/net/tls-context.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { RouteMatch } from "./routes/match.ts";
import type { RouteCounts } from "./metrics.ts";
import type { RouteSettings, RouteTarget } from "./route-settings.ts";

/** What TLS of one side works with. */
export interface Secured {
  context: TlsContext;
  identity: Identity | undefined;
  trust: Trust | undefined;
}

export interface RouteFiles {
  /** With clients, where TLS ends here. */
  front: Secured | undefined;
  /** With targets, where it begins anew. */
  back: Secured | undefined;
  policy: Policy | undefined;
}

/** Canonical. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A target to be dialled; of a template its place is known with a capture alone. */
export interface RoutedTarget {
  readonly text: string;
  readonly from: RouteTarget;
  /** Of what is fixed. */
  readonly target: Target | undefined;
  /** Of what is fixed and no UNIX socket. */
  readonly place: Place | undefined;
  readonly sessions: SessionCache;
}

export class Route implements RouteMatch {
  readonly settings: RouteSettings;
  readonly files: RouteFiles;
  readonly counts: RouteCounts;
  readonly #fixed: Targets;
  readonly #all: readonly RoutedTarget[];

  constructor(settings: RouteSettings, files: RouteFiles, counts: RouteCounts, tools: TargetTools) {
    this.settings = settings;
    this.files = files;
    this.counts = counts;
    this.#all = settings.targets.map((from): RoutedTarget => {
      const target = from.kind === "fixed" ? new Target(from.endpoint, tools) : undefined;
      const text = target?.text ?? (from as { text: string }).text;
      return { text, from, target, place: placeOf(from), sessions: new SessionCache() };
    });
    this.#fixed = new Targets(
      this.#all.flatMap(({ target }) => target ?? []),
      settings.targetOrder,
    );
  }

  get name(): string {
    return this.settings.name;
  }
  get serverNames(): RouteMatch["serverNames"] {
    return this.settings.serverNames;
  }
  get protocolIds(): RouteMatch["protocolIds"] {
    return this.settings.protocolIds;
  }
  get postgres(): boolean {
    return this.settings.postgres;
  }
  get firstBytes(): RouteMatch["firstBytes"] {
    return this.settings.firstBytes;
  }
  get patterns(): RouteMatch["patterns"] {
    return this.settings.patterns;
  }
  get refuse(): RouteMatch["refuse"] {
    return this.settings.refuse;
  }

  /** For people: where it leads. */
  get targetText(): string {
    return this.#all.map(({ text }) => text).join(", ");
  }

  /** The place of the first target, if it is known without a capture and no UNIX socket. */
  get fixedPlace(): Place | undefined {
    return this.#all[0]?.place;
  }

  /** Those whose place is known without a capture. */
  get fixedTargets(): readonly Target[] {
    return this.#fixed.all;
  }

  /** In the order in which they are to be tried, without those that are down; those with a capture stand last. */
  targets(): readonly RoutedTarget[] {
    const ordered = this.#ordered();
    return this.settings.health === undefined ? ordered : ordered.filter(({ target }) => target?.down !== true);
  }

  #ordered(): readonly RoutedTarget[] {
    if (this.#all.length === 1) return this.#all;
    const order = this.#fixed.inOrder();
    return [
      ...order.map((target) => this.#all.find((one) => one.target === target)!),
      ...this.#all.filter(({ target }) => target === undefined),
    ];
  }
}

function placeOf(from: RouteTarget): Place | undefined {
  if (from.kind !== "fixed" || from.endpoint.kind === "unix") return undefined;
  const { host, port } = from.endpoint;
  return { host: canonicalHost(host).host ?? host, port };
}
