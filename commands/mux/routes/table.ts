/** The routes of a listener, compiled: which of them a client takes, by its hello or by its first bytes. Opens nothing and knows no target. */
import type { Expected, FirstBytes, FirstBytesName } from "../../../lib/session/first-bytes.ts";
import type { Pattern } from "../../../lib/acl/pattern/pattern.ts";
import { IdIndex, type IdChoice } from "./id-index.ts";
import { formatProtocolId, formatServerName, type NamePattern, type PlainName, type RouteMatch } from "./match.ts";
import { NameIndex } from "./name-index.ts";

/** How a client comes to TLS. */
export type HelloWay = "tls" | "postgres";

/** Of a hello, what a route is chosen by. */
export interface Asked {
  readonly serverName: string | undefined;
  readonly protocolIds: readonly string[] | undefined;
}

export type HelloChoice<R> = IdChoice<R> | { kind: "refused"; code: "unknown_server_name" };

/** Two routes that take the same; the first has it. */
export interface Overlap<R> {
  readonly first: R;
  readonly second: R;
  /** What both take, for people. */
  readonly what: string;
}

/** With which servers of certificates ask for a name (RFC 8737); no other client offers it. */
const ACME = "acme-tls/1";
/** What clients of PostgreSQL offer: those that begin with TLS at once must, and libpq does from 17 on. */
const POSTGRES = [{ kind: "exact", id: "postgresql" }] as const;

export class RouteTable<R extends RouteMatch> {
  readonly #hellos: Record<HelloWay, NameIndex<IdIndex<R>>> = {
    tls: new NameIndex(() => new IdIndex<R>()),
    postgres: new NameIndex(() => new IdIndex<R>()),
  };
  readonly #plain = new Map<PlainName, R>();
  readonly #patterns: { pattern: Pattern; route: R }[] = [];
  readonly overlaps: readonly Overlap<R>[];
  /** Routes that earlier ones leave nothing to. */
  readonly unreachable: readonly R[];
  /** What clients may begin with. */
  readonly expected: Expected;

  /** `routes` are in the order of the file. */
  constructor(routes: readonly R[]) {
    const overlaps: Overlap<R>[] = [];
    const reachable = new Set<R>();
    /** Routes by the patterns that they have for names: known when all names are. */
    const matched: { route: R; pattern: Pattern }[] = [];
    const add = (first: R | undefined, second: R, what: string) => {
      if (first === undefined) reachable.add(second);
      else overlaps.push({ first, second, what });
    };
    for (const route of routes) {
      for (const name of route.firstBytes) {
        add(this.#plain.get(name), route, `first bytes ${name}`);
        if (!this.#plain.has(name)) this.#plain.set(name, route);
      }
      for (const pattern of route.patterns) this.#addPattern(pattern, route, add);
      if (route.firstBytes.length + route.patterns.length > 0) continue;
      for (const name of route.serverNames.length === 0 ? [undefined] : route.serverNames) {
        const pattern = name?.kind === "pattern" ? name.pattern : undefined;
        const addMatched: Add<R> = (first, second, what) => {
          if (first === undefined && pattern !== undefined) matched.push({ route: second, pattern });
          else add(first, second, what);
        };
        this.#addHello(name, route, addMatched);
      }
    }
    const { tls, postgres } = this.#hellos;
    for (const { route, pattern } of matched)
      if (!tls.isShadowed(pattern) || (route.postgres && !postgres.isShadowed(pattern))) reachable.add(route);
    this.overlaps = overlaps;
    this.unreachable = routes.filter((route) => !reachable.has(route));
    this.expected = { names: this.#names(), patterns: this.#patterns.map(({ pattern }) => pattern) };
  }

  /** What takes a client that says nothing. */
  get silent(): R | undefined {
    return this.#plain.get("silent");
  }

  /** Costs grow with the length of what is asked and with the patterns for names, not with the number of routes. */
  routeHello(asked: Asked, way: HelloWay): HelloChoice<R> {
    const names = this.#hellos[way];
    const ids = names.find(asked.serverName);
    const { protocolIds } = asked;
    if (way === "tls" && protocolIds?.length === 1 && protocolIds[0] === ACME) {
      // Whoever answers for all names answers for those, too, that have routes of their own.
      const route = ids?.exactly(ACME) ?? names.nameless?.exactly(ACME);
      if (route !== undefined) return { kind: "route", route, protocolId: ACME, capture: undefined };
    }
    return ids?.choose(protocolIds) ?? { kind: "refused", code: "unknown_server_name" };
  }

  /** Of what is expected and is no hello. */
  routeFirstBytes(found: FirstBytes): R | undefined {
    if ("pattern" in found) return this.#patterns[found.pattern]?.route;
    return this.#plain.get(found.name as PlainName);
  }

  #addHello(name: NamePattern | undefined, route: R, add: Add<R>): void {
    const at = name === undefined ? "without a server name" : `for ${formatServerName(name)}`;
    if (route.postgres) {
      const asked = this.#hellos.postgres.at(name);
      add(asked.setFallback(route), route, `PostgreSQL ${at}`);
      for (const id of POSTGRES) asked.add(id, route);
    }
    const ids = this.#hellos.tls.at(name);
    const patterns = route.protocolIds.length === 0 && route.postgres ? POSTGRES : route.protocolIds;
    if (patterns.length === 0) add(ids.setFallback(route), route, `all protocol ids ${at}`);
    for (const id of patterns) {
      const what = id.kind === "none" ? "clients without protocol ids" : `protocol id ${formatProtocolId(id)}`;
      add(ids.add(id, route), route, `${what} ${at}`);
    }
  }

  #addPattern(pattern: Pattern, route: R, add: Add<R>): void {
    const known = this.#patterns.find((one) => one.pattern.text === pattern.text);
    add(known?.route, route, `first bytes ~${pattern.text}`);
    if (known === undefined) this.#patterns.push({ pattern, route });
  }

  #names(): ReadonlySet<FirstBytesName> {
    const names = new Set<FirstBytesName>();
    for (const name of this.#plain.keys()) if (name !== "silent") names.add(name);
    if (!this.#hellos.tls.empty) names.add("tls");
    if (!this.#hellos.postgres.empty) names.add("postgres-tls").add("postgres-gssapi").add("postgres-cancel");
    return names;
  }
}

type Add<R> = (first: R | undefined, second: R, what: string) => void;
