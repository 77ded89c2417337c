/** Reads what the routes of a configuration need, all or nothing: identities, trust, policies. Puts nothing in force. */
import type { Logger } from "../../lib/command/log.ts";
import type { IdentitySources } from "../../lib/identity/flags.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { describeSource } from "../../lib/identity/token/source.ts";
import { readTrust } from "../../lib/identity/trust.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { formatEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import type { TargetTools } from "../../lib/net/target.ts";
import { createContext } from "../../lib/net/tls-context.ts";
import type { TlsTerms } from "../../lib/net/tls-flags.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import type { MuxMetrics } from "./metrics.ts";
import { Route, type RouteFiles, type Secured } from "./route.ts";
import type { RouteSettings } from "./route-settings.ts";
import { RouteTable } from "./routes/table.ts";
import type { RouteMatch } from "./routes/match.ts";
import type { Place } from "./settings.ts";

/** A listener to be, with what its clients are routed by. */
export interface LoadedPlace {
  endpoint: Endpoint;
  table: RouteTable<Route>;
  routes: readonly Route[];
}

interface LoadTools {
  files: SourceFiles;
  metrics: MuxMetrics;
  targetTools: TargetTools;
  tls: TlsTerms;
  log: Logger;
}

/** Throws `PortailError` for routes that take the same, and for a file that cannot be read or does not hold what it should. */
export async function loadPlaces(places: readonly Place[], tools: LoadTools): Promise<LoadedPlace[]> {
  const loader = new Loader(tools);
  const routes = new Map<RouteSettings, Route>();
  const loaded: LoadedPlace[] = [];
  for (const place of places) {
    const own: Route[] = [];
    for (const settings of place.routes) {
      let route = routes.get(settings);
      if (route === undefined) routes.set(settings, (route = await loader.route(settings)));
      own.push(route);
    }
    loaded.push({ endpoint: place.endpoint, table: tableOf(place.endpoint, own), routes: own });
  }
  return loaded;
}

/** Throws `PortailError` where two routes take the same. */
function tableOf<R extends RouteMatch>(endpoint: Endpoint, routes: readonly R[]): RouteTable<R> {
  const table = new RouteTable(routes);
  const [overlap] = table.overlaps;
  if (overlap === undefined) return table;
  const { first, second, what } = overlap;
  const names = `${JSON.stringify(first.name)} and ${JSON.stringify(second.name)}`;
  throw new PortailError(`the routes ${names} both take ${what} at ${formatEndpoint(endpoint)}`, {
    code: "mux.overlap",
    exit: EXIT.config,
    hint: "`portail mux check` lists all that do; take it from one of them",
  });
}

/** Reads each file once, however many routes name it. */
class Loader {
  readonly #tools: LoadTools;
  readonly #secured = new Map<string, Secured>();
  readonly #policies = new Map<string, RouteFiles["policy"]>();

  constructor(tools: LoadTools) {
    this.#tools = tools;
  }

  async route(settings: RouteSettings): Promise<Route> {
    const { termination, targetTls, acl } = settings;
    const asks = termination !== undefined && termination.clientCertificate !== "off";
    const files = {
      front: termination && (await this.#secure(termination.sources, asks && termination.rules?.pinned !== true)),
      back: targetTls && (await this.#secure(targetTls.sources, true)),
      policy: acl === undefined ? undefined : this.#policy(acl),
    };
    const { metrics, targetTools } = this.#tools;
    return new Route(settings, files, metrics.of(settings.name), targetTools);
  }

  async #secure(sources: IdentitySources, verifies: boolean): Promise<Secured> {
    const { files, log, tls } = this.#tools;
    const key = JSON.stringify([identityKey(sources), sources.trust, verifies]);
    let secured = this.#secured.get(key);
    if (secured !== undefined) return secured;
    const identity = sources.identity && (await openIdentity(sources.identity, files));
    const trust = verifies ? readTrust(sources.trust, files) : undefined;
    for (const warning of [...(identity?.warnings ?? []), ...(trust?.warnings ?? [])]) log.warn(warning);
    const context = createContext({ material: identity?.credential, ca: trust?.ca, crl: trust?.crl, ...tls });
    this.#secured.set(key, (secured = { context, identity, trust }));
    return secured;
  }

  #policy(acl: string): RouteFiles["policy"] {
    if (this.#policies.has(acl)) return this.#policies.get(acl);
    const { policy, warnings } = readPolicy(acl);
    if (warnings !== "") this.#tools.log.warn(warnings);
    this.#policies.set(acl, policy);
    return policy;
  }
}

/** Without the password: two files are not one for having two. */
function identityKey({ identity }: IdentitySources): readonly string[] {
  if (identity === undefined) return [];
  if (identity.kind === "token") return [identity.module, describeSource(identity)];
  return identity.kind === "pair" ? [identity.cert, identity.key] : [identity.keystore];
}
