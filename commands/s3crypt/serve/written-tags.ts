/** MD5s that clients were told of objects when they stored them, where they are told another tag later: they may go on to name either. */
import type { IncomingMessage } from "node:http";
import type { Tag } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import type { Conditions } from "./read-head.ts";

/** Objects that are remembered: about 2 MB. */
const MOST = 10_000;

/** By path and by the tag that the storage gave the object; what was written last stands last. */
export class WrittenTags {
  readonly #tags = new Map<string, string>();

  remember(path: string, stored: string | undefined, tag: string): void {
    if (stored === undefined) return;
    const name = nameOf(path, stored);
    this.#tags.delete(name);
    this.#tags.set(name, tag);
    const [oldest] = this.#tags.keys();
    if (this.#tags.size > MOST) this.#tags.delete(oldest!);
  }

  of(path: string, stored: string | undefined): string | undefined {
    return stored === undefined ? undefined : this.#tags.get(nameOf(path, stored));
  }
}

function nameOf(path: string, stored: string): string {
  return new Bun.CryptoHasher("sha256").update(`${path}\0${stored}`).digest("base64").slice(0, 24);
}

/** The text of a condition with the tag of today in the place of the one that the client was told when it stored the object. */
export function today(
  x: Exchange,
  field: string | undefined,
  stored: string | undefined,
  tag: Tag,
): string | undefined {
  const written = field === undefined ? undefined : x.gateway.written.of(x.asked.path, stored);
  if (field === undefined || written === undefined || tag === undefined) return field;
  return field.replaceAll(bare(written), bare(tag));
}

/** The same for all conditions of a read. */
export function conditionsToday(x: Exchange, conditions: Conditions, answer: IncomingMessage, tag: Tag): Conditions {
  const { match, noneMatch, ifRange } = conditions;
  const of = (field: string | undefined) => today(x, field, answer.headers.etag, tag);
  return { ...conditions, match: of(match), noneMatch: of(noneMatch), ifRange: of(ifRange) };
}

function bare(tag: string): string {
  return tag.replaceAll('"', "");
}
