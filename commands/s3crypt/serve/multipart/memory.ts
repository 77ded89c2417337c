/** What a proxy remembers of parts that it wrote and of objects in parts that it read. Bounded; all of it may be lost. */
import type { Claimed } from "../../checksums.ts";
import type { Layout } from "../../object/layout.ts";

/** What is known of an attempt at a part that the storage took. */
export interface Receipt {
  readonly plain: number;
  readonly md5: Uint8Array;
  readonly commitment: Uint8Array;
  /** What the client claimed of it, and rightly. */
  readonly checksums: readonly Claimed[];
}

/** An object in parts, as it was when its storage gave it this tag. */
export interface Remembered {
  /** Of what is stored. */
  readonly tag: string;
  readonly layout: Layout;
  /** What parts begin with that were read from their middle, by their index. */
  readonly fronts: Map<number, Uint8Array>;
}

const MOST_RECEIPTS = 100_000;
/** Parts in all layouts. */
const MOST_PLACES = 200_000;

export class MultipartMemory {
  readonly #receipts = new Map<string, Receipt>();
  readonly #layouts = new Map<string, Remembered>();
  readonly #busy = new Map<string, Promise<unknown>>();
  #places = 0;

  /** `tag` is the storage's ETag of the attempt. */
  keep(objectId: Uint8Array, part: number, tag: string, receipt: Receipt): void {
    this.#receipts.set(nameOf(objectId, part, tag), receipt);
    for (const name of this.#receipts.keys()) {
      if (this.#receipts.size <= MOST_RECEIPTS) break;
      this.#receipts.delete(name);
    }
  }

  receipt(objectId: Uint8Array, part: number, tag: string): Receipt | undefined {
    return this.#receipts.get(nameOf(objectId, part, tag));
  }

  /** The upload is an object, or nothing: `parts` are those that the storage had. */
  forget(objectId: Uint8Array, parts: Iterable<readonly [number, string]>): void {
    for (const [part, tag] of parts) this.#receipts.delete(nameOf(objectId, part, tag));
  }

  /** Runs `act` when nothing else runs for that object. */
  async alone<T>(objectId: Uint8Array, act: () => Promise<T>): Promise<T> {
    const name = Buffer.from(objectId).toString("hex");
    const before = this.#busy.get(name);
    const turn = (async () => {
      await before?.catch(() => {});
      return act();
    })();
    this.#busy.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(name) === turn) this.#busy.delete(name);
    }
  }

  remember(path: string, remembered: Remembered): void {
    this.drop(path);
    this.#layouts.set(path, remembered);
    this.#places += remembered.layout.parts.length;
    for (const oldest of this.#layouts.keys()) {
      if (this.#places <= MOST_PLACES || oldest === path) break;
      this.drop(oldest);
    }
  }

  /** What was read last is kept longest. */
  layoutOf(path: string): Remembered | undefined {
    const found = this.#layouts.get(path);
    if (found === undefined) return undefined;
    this.#layouts.delete(path);
    this.#layouts.set(path, found);
    return found;
  }

  drop(path: string): void {
    this.#places -= this.#layouts.get(path)?.layout.parts.length ?? 0;
    this.#layouts.delete(path);
  }
}

function nameOf(objectId: Uint8Array, part: number, tag: string): string {
  return `${Buffer.from(objectId).toString("hex")} ${part} ${tag}`;
}
