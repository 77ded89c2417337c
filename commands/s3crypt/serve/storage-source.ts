/** An object at the storage as a `Source`: any of its bytes, by ranged requests of the exchange that asks. One object, whatever happens there meanwhile. */
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { parseContentRange } from "../../../lib/wire/http-range.ts";
import type { Source } from "../object/source.ts";
import type { Exchange } from "./exchange.ts";
import { iterate, iterateParsed } from "./incoming.ts";
import { Trouble } from "./trouble.ts";

/** A request costs more than reading through so many bytes. */
const GAP = 64 * 1024;

/** What of the object was asked for first: it tells which object it is. */
interface Beginning {
  readonly bytes: Uint8Array;
  readonly size: number;
  /** Of the storage's bytes, as it writes it (Swift without quotes); undefined where none tells two objects apart. */
  readonly tag: string | undefined;
}

/** Of an answer with the first bytes of an object, `most` of them or all. Throws `Trouble`, also where the storage says that it sends others. */
export async function beginningOf(answer: IncomingMessage, most: number): Promise<Beginning> {
  const told = parseContentRange(answer.headers["content-range"] ?? "");
  if (told?.size === undefined || told.range.first !== 0 || told.range.last !== Math.min(most, told.size) - 1)
    throw new Trouble("upstream_broken", "the storage sent another range than it was asked for");
  const bytes = await new Run(answer, 0).take(told.range.last + 1);
  const { etag } = answer.headers;
  return { bytes, size: told.size, tag: etag?.startsWith("W/") ? undefined : etag };
}

export class StorageSource implements Source {
  readonly size: number;
  readonly gap = GAP;
  /**
   * For a chain: the faster its links are looked for, the more of them are read that the requests of other ranges, which
   * are about to come, would have brought along.
   */
  isUnhurried = false;
  readonly #ask: (fields: readonly Field[]) => Promise<IncomingMessage>;
  readonly #fields: readonly Field[];
  readonly #beginning: Beginning;
  /** The request whose answer is read on, where the next read begins behind the last. */
  #run: Run | undefined;

  /** `fields` are those of each request, but for its range. `ask` where it is not the object that the client asks for. */
  constructor(
    x: Exchange,
    fields: readonly Field[],
    beginning: Beginning,
    ask = (all: readonly Field[]) => x.ask("GET", all),
  ) {
    this.#ask = ask;
    this.#fields = fields;
    this.#beginning = beginning;
    this.size = beginning.size;
  }

  /** Throws `Trouble`, also where the object at the storage is another one by now. */
  async read(offset: number, length: number, until: number): Promise<Uint8Array> {
    const { bytes } = this.#beginning;
    if (length === 0) return new Uint8Array(0);
    if (offset + length <= bytes.length) return bytes.slice(offset, offset + length);
    const run = this.#run;
    if (run !== undefined && !run.busy && run.at === offset) return run.take(length);
    if (until === offset + length || run?.busy) return (await this.#open(offset, offset + length)).take(length);
    run?.end();
    const next = await this.#open(offset, until);
    this.#run = next;
    return next.take(length);
  }

  async #open(from: number, to: number): Promise<Run> {
    const { tag } = this.#beginning;
    const same: Field[] = tag === undefined ? [] : [["If-Match", tag.startsWith('"') ? tag : `"${tag}"`]];
    const answer = await this.#ask([...this.#fields, ...same, ["Range", `bytes=${from}-${to - 1}`]]);
    const told = answer.statusCode === 206 ? parseContentRange(answer.headers["content-range"] ?? "") : undefined;
    const isIt = told?.size === this.size && told.range.first === from && told.range.last === to - 1;
    if (isIt && (tag === undefined || answer.headers.etag === tag)) return new Run(answer, from, this.isUnhurried);
    answer.destroy();
    throw new Trouble("upstream_broken", "the object has changed at the storage while it was read");
  }

  /** What is not read is not wanted. */
  close(): void {
    this.#run?.end();
  }
}

/** The answer to one ranged request, read in pieces of any length. */
class Run {
  at: number;
  busy = false;
  readonly #answer: IncomingMessage;
  readonly #pieces: AsyncIterableIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(answer: IncomingMessage, at: number, isUnhurried = false) {
    this.#answer = answer;
    this.#pieces = isUnhurried ? iterateParsed(answer) : iterate(answer);
    this.at = at;
  }

  async take(length: number): Promise<Uint8Array> {
    this.busy = true;
    const out = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const piece = this.#rest.length > 0 ? this.#rest : await this.#next();
      const part = piece.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.length;
      this.#rest = piece.subarray(part.length);
    }
    this.at += length;
    this.busy = false;
    return out;
  }

  async #next(): Promise<Uint8Array> {
    const next = await this.#pieces.next().catch(() => undefined);
    if (next === undefined || next.done) throw new Trouble("upstream_broken", "the answer of the storage broke off");
    return next.value;
  }

  end(): void {
    if (!this.#answer.complete) this.#answer.destroy();
  }
}
