/** What checking one file needs: where to report, which sets exist, and which facts were mentioned. Not the checks. */
import { nearest } from "../../command/nearest.ts";
import type { Code, Diagnostics, Span, Trouble } from "../diagnostic.ts";
import { FACTS, FAMILIES, type FactName, type FactSpec, lookupFact, storedFact } from "../facts.ts";
import type { Source } from "../source.ts";
import type { Place } from "../model.ts";
import { shorten } from "../parser/cursor.ts";
import type { NamedSet } from "./named-set.ts";

export class Context {
  constructor(
    readonly source: Source,
    readonly diagnostics: Diagnostics,
    readonly sets: ReadonlyMap<string, NamedSet>,
    readonly mentions: Set<FactName>,
  ) {}

  /** Reports, and returns undefined, for the value that could not be made. */
  error(code: Code, span: Span, trouble: Trouble): undefined {
    this.diagnostics.error(code, this.source, span, trouble);
    return undefined;
  }

  warn(code: Code, span: Span, trouble: Trouble): void {
    this.diagnostics.warning(code, this.source, span, trouble);
  }

  /** The fact of that name, counted as mentioned; unknown names are reported with the nearest known one. */
  fact(name: string, span: Span): { name: FactName; spec: FactSpec } | undefined {
    const found = lookupFact(name);
    if (found !== undefined) {
      this.mentions.add(storedFact(found.name));
      return found;
    }
    return this.error("acl.unknown_fact", span, { message: `unknown fact "${shorten(name)}"`, hint: this.#hint(name) });
  }

  place(span: Span): Place {
    return { file: this.source.name, start: span.start };
  }

  #hint(name: string): string | undefined {
    const alias = ALIASES[name.toLowerCase()];
    if (alias !== undefined) return `it is called "${alias}" here`;
    if (this.sets.has(name)) return `"${name}" is a set: write it after "in" or "under"`;
    const guess = nearest(name, Object.keys(FACTS));
    if (guess !== undefined) return `did you mean "${guess}"?`;
    const family = name.split(".")[0]!;
    if (Object.hasOwn(FAMILIES, family)) return `name the ${family} fact: "${family}.NAME"`;
    return "GRAMMAR.md lists the facts; text stands in double quotes";
  }
}

/** What people call a fact elsewhere. */
const ALIASES: Readonly<Record<string, string>> = {
  "tls.sni": "tls.server_name",
  sni: "tls.server_name",
  "tls.alpn": "tls.protocol_id",
  alpn: "tls.protocol_id",
  "tls.server-name": "tls.server_name",
  "tls.protocol-id": "tls.protocol_id",
  hostname: "host",
  "dest.host": "host",
  "dest.port": "port",
  "client.address": "client.ip",
  "client.groups": "user.groups",
  "src.ip": "client.ip",
  "dst.ip": "dest.ip",
  ip: "dest.ip",
  user: "user.name",
  username: "client.user",
  url: "path",
  uri: "path",
};
