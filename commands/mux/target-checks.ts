/** Checks of the targets of routes: each is connected as for a client, again and again, and what is down is led nobody to. */
import type { Logger } from "../../lib/command/log.ts";
import type { Deadlines } from "../../lib/net/deadlines.ts";
import { DialError } from "../../lib/net/dial.ts";
import { Health, type Finding } from "../../lib/net/health.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { Target, type TargetTools } from "../../lib/net/target.ts";
import type { Registry } from "../../lib/service/metrics.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { LOCAL_V2 } from "../../lib/wire/proxy-v2.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import { beginTls } from "./target-tls.ts";

interface CheckTools {
  targetTools: TargetTools;
  /** Of a check. */
  deadlines: Deadlines;
  /** How long these are, in milliseconds. */
  timeout: number;
  keepAlive: KeepAlive;
  log: Logger;
}

/** One target of one route, over reloads. */
interface Checked {
  route: Route;
  readonly target: string;
  readonly health: Health;
  /** That of the route in force, for what has recovered. */
  place: Target;
  /** A connection's own: what clients have found out is no part of a check. */
  readonly own: Target;
}

export class TargetChecks {
  readonly #tools: CheckTools;
  #all = new Map<string, Checked>();

  constructor(tools: CheckTools) {
    this.#tools = tools;
  }

  /** Checks the targets of these routes from now on, and no others. What is the same as before stays what it was found to be. */
  take(routes: Iterable<Route>): void {
    const next = new Map<string, Checked>();
    for (const route of routes) {
      const { health: rules, targetTls } = route.settings;
      if (rules === undefined) continue;
      for (const place of route.fixedTargets) {
        const key = JSON.stringify([route.name, place.text, rules, targetTls]);
        const known = next.get(key) ?? this.#all.get(key);
        const checked = known ?? this.#checked(route, place);
        Object.assign(checked, { route, place });
        place.health = checked.health;
        next.set(key, checked);
      }
    }
    for (const [key, { health }] of this.#all) if (!next.has(key)) health.stop();
    const before = this.#all;
    this.#all = next;
    for (const [key, { health }] of next) if (!before.has(key)) health.start();
  }

  stop(): void {
    for (const { health } of this.#all.values()) health.stop();
  }

  /** What is wrong with a route all of whose targets are down; undefined where there is none. */
  get trouble(): string | undefined {
    const up = new Set(this.#each.filter(({ health }) => health.trouble === undefined).map(({ route }) => route));
    const lost = this.#each.find(({ route }) => !up.has(route));
    return lost && `route ${lost.route.name}: ${lost.health.trouble}`;
  }

  /** For the status page. */
  get page(): Record<string, unknown> {
    const { trouble } = this;
    return {
      backend_ok: trouble === undefined,
      backend_status: trouble === undefined ? "ok" : "critical",
      backend_error: trouble,
      targets: this.#each.map(({ route, target, health }) => ({
        route: route.name,
        target,
        up: health.trouble === undefined,
        since: new Date(Date.now() - health.age).toISOString(),
        error: health.trouble,
      })),
    };
  }

  register(registry: Registry): void {
    const read = (value: (health: Health) => number) => () =>
      this.#each.map(({ route, target, health }) => [{ route: route.name, target }, value(health)] as const);
    const isUp = read(({ trouble }) => (trouble === undefined ? 1 : 0));
    const checks = read(({ counts }) => counts.checks);
    const failures = read(({ counts }) => counts.failed);
    registry.read("gauge", "target_up", "Whether the target is up by its checks", isUp);
    registry.read("counter", "target_checks_total", "Checks of the target", checks);
    registry.read("counter", "target_check_failures_total", "Checks of the target that failed", failures);
  }

  get #each(): Checked[] {
    return [...this.#all.values()];
  }

  #checked(route: Route, place: Target): Checked {
    const { deadlines, timeout, targetTools, log } = this.#tools;
    const { text } = place;
    const checked: Checked = {
      route,
      target: text,
      place,
      own: new Target(place.endpoint, targetTools),
      health: new Health({
        probe: () => this.#probe(checked),
        rules: route.settings.health!,
        deadlines,
        timeout,
        changed(trouble) {
          if (trouble === undefined) checked.place.succeeded();
          const of = `target ${text} of route ${route.name}`;
          if (trouble === undefined) log.info(`${of} is up again`);
          else log.warn(`${of} is down: ${trouble}`);
        },
      }),
    };
    return checked;
  }

  /** As far as everything that is said before a client's bytes. */
  async #probe({ route, own }: Checked): Promise<Finding> {
    const dialled = await own.open();
    if (dialled instanceof DialError)
      return dialled.kind === "exhausted" ? "unknown" : { trouble: `cannot connect: ${dialled.message}` };
    // A connection that is nobody's.
    if (route.settings.proxyHeader !== undefined) dialled.write(LOCAL_V2);
    const { endpoint } = own;
    const conn = await beginTls(dialled, route, {
      host: endpoint.kind === "unix" ? undefined : (canonicalHost(endpoint.host).host ?? endpoint.host),
      protocolId: undefined,
      sessions: undefined,
      deadlines: this.#tools.deadlines,
      keepAlive: this.#tools.keepAlive,
    });
    if (conn instanceof Refusal) return { trouble: `no TLS: ${conn.message} (${conn.reason})` };
    conn.end();
    conn.destroy();
    return "works";
  }
}
