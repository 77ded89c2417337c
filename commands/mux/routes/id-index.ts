/** The routes of one server name, by protocol id. Costs of a choice do not grow with their number. */
import { isCapture, type IdPattern } from "./match.ts";

/** `bad_capture`: the id begins as a route wants it, and goes on as no route takes it. */
export type IdChoice<R> =
  | { kind: "route"; route: R; protocolId: string | undefined; capture: string | undefined }
  | { kind: "refused"; code: "no_application_protocol" | "bad_capture" };

interface Prefixed<R> {
  route: R;
  /** Whether what stands behind the prefix is to be a capture. */
  captures: boolean;
}

/** Routes that refuse their clients come last: one that offers something else as well is led there. */
export class IdIndex<R extends { readonly refuse: string | undefined }> {
  readonly #exact = new Map<string, R>();
  /** By their lengths, the longest first; there are at most 255. */
  readonly #prefixes: { length: number; routes: Map<string, Prefixed<R>> }[] = [];
  #none: R | undefined;
  #fallback: R | undefined;

  /** What takes all that no id takes. */
  get fallback(): R | undefined {
    return this.#fallback;
  }

  /** The route that has the id already, which keeps it. */
  add(pattern: IdPattern, route: R): R | undefined {
    if (pattern.kind === "none") {
      const known = this.#none;
      this.#none ??= route;
      return known;
    }
    if (pattern.kind === "exact") {
      const known = this.#exact.get(pattern.id);
      if (known === undefined) this.#exact.set(pattern.id, route);
      return known;
    }
    const { prefix, captures } = pattern;
    const routes = this.#prefixesOf(prefix.length);
    const known = routes.get(prefix);
    if (known === undefined) routes.set(prefix, { route, captures });
    return known?.route;
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
    let refusing: IdChoice<R> | undefined;
    for (const id of ids ?? []) {
      const choice = this.#chooseBy(id);
      if (choice === undefined) continue;
      if (choice.kind === "refused" || choice.route.refuse === undefined) return choice;
      refusing ??= choice;
    }
    if (refusing !== undefined) return refusing;
    const route = (ids === undefined || ids.length === 0 ? this.#none : undefined) ?? this.#fallback;
    if (route === undefined) return { kind: "refused", code: "no_application_protocol" };
    return { kind: "route", route, protocolId: undefined, capture: undefined };
  }

  #chooseBy(id: string): IdChoice<R> | undefined {
    const exact = this.#exact.get(id);
    if (exact !== undefined) return { kind: "route", route: exact, protocolId: id, capture: undefined };
    for (const { length, routes } of this.#prefixes) {
      const found = id.length < length ? undefined : routes.get(id.slice(0, length));
      if (found === undefined) continue;
      const { route, captures } = found;
      if (!captures) return { kind: "route", route, protocolId: id, capture: undefined };
      const capture = id.slice(length);
      if (!isCapture(capture)) return { kind: "refused", code: "bad_capture" };
      return { kind: "route", route, protocolId: id, capture };
    }
    return undefined;
  }

  #prefixesOf(length: number): Map<string, Prefixed<R>> {
    const known = this.#prefixes.find((one) => one.length === length);
    if (known !== undefined) return known.routes;
    const routes = new Map<string, Prefixed<R>>();
    this.#prefixes.push({ length, routes });
    this.#prefixes.sort((a, b) => b.length - a.length);
    return routes;
  }
}
