/** Checks of backends: what a [backend.NAME] table says of them, and who runs them. How one is done is lib/net/backend.ts. */
import type { TableRow } from "../../lib/command/config-tables.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { Backend } from "../../lib/net/backend.ts";
import { hasCheckRules, parseCheckRules } from "../../lib/net/check-rules.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { parseEndpoint } from "../../lib/net/endpoint.ts";
import { Health } from "../../lib/net/health.ts";
import type { CheckRules } from "../../lib/net/rise-fall.ts";
import type { ProxyTarget } from "../../lib/session/outbound-proxy.ts";
import { canonicalHost } from "../../lib/wire/host.ts";

export interface HealthPlan extends CheckRules {
  /** Where the whole dialogue leads to; undefined only makes the connection to the proxy. */
  readonly target: ProxyTarget | undefined;
}

/** Undefined where there are none. Throws `PortailError` (`config.backend`, `usage.value`); `where` names the table. */
export function parseHealth(row: TableRow<"backend">, where: string, isDirect: boolean): HealthPlan | undefined {
  const { health = "none" } = row;
  if (health === "none") {
    if (hasCheckRules(row))
      throw refuse(`${where}: health-interval, health-fall and health-rise are for health, which is none`, WRITE);
    return undefined;
  }
  if (isDirect) throw refuse(`${where}: there is nothing to check of a direct exit`, "leave health out");
  return {
    target: health === "connect" ? undefined : parseTarget(health, where),
    ...parseCheckRules(row, `${where}: `),
  };
}

const WRITE = 'write health = "connect", or "HOST:PORT" for a target that it must lead to';

function parseTarget(text: string, where: string): ProxyTarget {
  const wrong = () => refuse(`${where}: health ${JSON.stringify(text)} is not none, connect or HOST:PORT`, WRITE);
  // An empty host is every address to who listens, and none to who connects.
  if (!/^[^:].*:\d+$/.test(text)) throw wrong();
  const endpoint = parseEndpoint(text, `${where}: health`);
  if (endpoint.kind !== "tcp" || endpoint.port === 0) throw wrong();
  const { host, error } = canonicalHost(endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host);
  if (error !== undefined) throw refuse(`${where}: health ${JSON.stringify(text)} names no host: ${error}`, WRITE);
  return { host, port: endpoint.port };
}

function refuse(message: string, hint: string): PortailError {
  return new PortailError(message, { code: "config.backend", exit: EXIT.config, hint });
}

/** The checks of all backends that have any. */
export class HealthChecks {
  readonly #of: readonly { backend: Backend; health: Health }[];

  /** `timeout` of one check, in milliseconds. Begins none. */
  constructor(checked: readonly (readonly [Backend, HealthPlan])[], log: Logger, timeout: number) {
    const deadlines = new Deadlines(timeout);
    this.#of = checked.map(([backend, rules]) => {
      const probe = () => backend.probe(rules.target);
      const changed = (trouble: string | undefined) => {
        if (trouble === undefined) backend.recovered();
        if (trouble === undefined) log.info(`backend ${backend.name} is up again`);
        else log.warn(`backend ${backend.name} is down: ${trouble}`);
      };
      const health = new Health({ probe, rules, deadlines, timeout, changed });
      backend.health = health;
      return { backend, health };
    });
  }

  /** One that leads nowhere yet begins when it is led somewhere. */
  start(): void {
    for (const { backend, health } of this.#of) if (backend.target !== undefined) health.start();
  }

  stop(): void {
    for (const { health } of this.#of) health.stop();
  }
}
