/** The routes of one server name, by protocol id. Costs of a choice do not grow with their number. */
import { isCapture, type IdPattern } from "./match.ts";

/** `bad_capture`: the id begins as a route wants it, and goes on as no route takes it. */
export type IdChoice<R> =
  | { kind: "route"; route: R; protocolId: string | undefined; capture: string | undefined }
  | { kind: "refused"; code: "no_application_protocol" | "bad_capture" };

export class IdIndex<R> {
  readonly #exact = new Map<string, R>();
  /** By their lengths, the longest first; there are at most 255. */
  readonly #prefixes: { length: number; routes: Map<string, R> }[] = [];
  #fallback: R | undefined;

  /** What takes all that no id takes. */
  get fallback(): R | undefined {
    return this.#fallback;
  }

  /** The route that has the id already, which keeps it. */
  add(pattern: IdPattern, route: R): R | undefined {
    const [routes, key] =
      pattern.kind === "exact" ? [this.#exact, pattern.id] : [this.#prefixesOf(pattern.prefix.length), pattern.prefix];
    const known = routes.get(key);
    if (known === undefined) routes.set(key, route);
    return known;
  }

  /** The route that is it already, and stays so. */
  setFallback(route: R): R | undefined {
    const known = this.#fallback;
    this.#fallback ??= route;
    return known;
  }

  /** The route that has exactly this id. */
  exactly(id: string): R | undefined {
    return this.#exact.get(id);
  }

  /** The first id of the client that a route has decides; exact ones come before prefixes, and long prefixes before short. */
  choose(ids: readonly string[] | undefined): IdChoice<R> {
    for (const id of ids ?? []) {
      const route = this.#exact.get(id);
      if (route !== undefined) return { kind: "route", route, protocolId: id, capture: undefined };
      const captured = this.#capture(id);
      if (captured !== undefined) return captured;
    }
    const route = this.#fallback;
    if (route === undefined) return { kind: "refused", code: "no_application_protocol" };
    return { kind: "route", route, protocolId: undefined, capture: undefined };
  }

  #capture(id: string): IdChoice<R> | undefined {
    for (const { length, routes } of this.#prefixes) {
      const route = id.length < length ? undefined : routes.get(id.slice(0, length));
      if (route === undefined) continue;
      const capture = id.slice(length);
      if (!isCapture(capture)) return { kind: "refused", code: "bad_capture" };
      return { kind: "route", route, protocolId: id, capture };
    }
    return undefined;
  }

  #prefixesOf(length: number): Map<string, R> {
    const known = this.#prefixes.find((one) => one.length === length);
    if (known !== undefined) return known.routes;
    const routes = new Map<string, R>();
    this.#prefixes.push({ length, routes });
    this.#prefixes.sort((a, b) => b.length - a.length);
    return routes;
  }
}
