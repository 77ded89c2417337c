/** The content of an upload as plaintext: the client's framing taken away, and held against all that the client says that it is. */
import { createHash } from "node:crypto";
import { claimedChecksums, startChecksum, type Checksum, type Claimed } from "../checksums.ts";
import type { Expected } from "./dialect.ts";
import type { Exchange } from "./exchange.ts";
import { Trouble } from "./trouble.ts";

export class Content {
  readonly #action: Expected;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #md5 = createHash("md5");
  /** Beside the MD5, which is always computed. */
  readonly #checksums: ReadonlyMap<string, Checksum>;
  #trailing: Expected["claims"] = [];
  #verified = false;
  readonly #decoder: ReturnType<NonNullable<Expected["decode"]>> | undefined;
  #digest: Uint8Array | undefined;
  #size = 0;
  /** All of it has come. */
  isWhole = false;

  constructor(x: Exchange, action: Expected) {
    this.#action = action;
    this.#source = x.content;
    this.#decoder = action.decode?.();
    const names = new Set([...action.claims.map(({ name }) => name), ...(action.announced ?? [])]);
    names.delete("MD5");
    this.#checksums = new Map(Array.from(names, (name) => [name, startChecksum(name)]));
  }

  /** What the client says that it is; `verify` tells. */
  get claimedMd5(): Uint8Array | undefined {
    return this.#action.claims.find(({ name }) => name === "MD5")?.value;
  }

  /** Of all of it. */
  get md5(): Uint8Array {
    return (this.#digest ??= Uint8Array.from(this.#md5.digest()));
  }

  /** The next piece, good until the next call; undefined at the end. Throws `Gone`, and `Trouble` for framing that is not right. */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.isWhole) {
      const { done, value } = await this.#source.next();
      if (done) this.#end();
      else {
        const plain = this.#decoder === undefined ? value : this.#decode(value);
        if (plain.length > 0) return this.#take(plain);
      }
    }
    return undefined;
  }

  /** As much as `most` bytes and what comes with them; all of it, where it is no more. */
  async gather(most: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    while (size <= most) {
      const piece = await this.next();
      if (piece === undefined) break;
      // A copy: the memory is used again for the next one.
      pieces.push(new Uint8Array(piece));
      size += piece.length;
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** What the client says, in front of the content and behind it. */
  get claimed(): readonly Claimed[] {
    return [...this.#action.claims, ...this.#trailing];
  }

  /** Throws `Trouble` where the plaintext is not what the client says. */
  verify(): void {
    if (this.#verified) return;
    this.#verified = true;
    const { length } = this.#action;
    if (length !== undefined && length !== this.#size)
      throw new Trouble("bad_request", "the content is not of the length that it was said to be");
    // A checksum may be claimed more than once, as a hash that is signed and as one that is not.
    const digests = new Map(Array.from(this.#checksums, ([name, checksum]) => [name, checksum.digest()]));
    for (const { name, value, wrong } of [...this.#action.claims, ...this.#trailing]) {
      const digest = name === "MD5" ? this.md5 : digests.get(name);
      if (digest === undefined || !same(value, digest)) throw wrong;
    }
  }

  #take(plain: Uint8Array): Uint8Array {
    this.#size += plain.length;
    this.#md5.update(plain);
    for (const checksum of this.#checksums.values()) checksum.update(plain);
    return plain;
  }

  #decode(framed: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    const bad = this.#decoder!.push(framed, (piece) => pieces.push(piece));
    if (bad !== undefined) throw this.#action.wrong?.(bad) ?? new Trouble("bad_request", bad.reason);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  #end(): void {
    this.isWhole = true;
    const end = this.#decoder?.finish();
    if (end === undefined) return;
    if (end.kind === "bad") throw this.#action.wrong?.(end) ?? new Trouble("bad_digest", end.reason);
    const claimed = claimedChecksums(end.trailers);
    if (claimed.kind === "bad") throw new Trouble("bad_digest", claimed.reason);
    const wrong = new Trouble("bad_digest", "the content is not that of the checksum behind it");
    this.#trailing = claimed.value.map((each) => ({ ...each, wrong }));
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
