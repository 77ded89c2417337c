/** What clients are shown of the objects in a listing, of S3 or of Swift: looked up once for each object and tag, some at a time, and remembered. */
import type { Exchange } from "./exchange.ts";
import type { Place } from "./multipart/ask.ts";
import { lookAt, type Shown } from "./s3-look.ts";
import { Trouble } from "./trouble.ts";

/** Objects that are remembered: about 10 MB. */
const MOST = 50_000;
/** Looks at a time, of all listings together, and of one. */
const AT_A_TIME = 32;
const OF_ONE = 16;
/** Whatever is smaller has no header of ours: it is what it seems. */
const SMALLEST = 48;

export interface Listed {
  readonly place: Place;
  /** As the storage has it in its `ETag`. */
  readonly tag: string;
  /** Of what is stored. */
  readonly size: number;
}

export class Sizes {
  /** In the order in which they were last asked for. */
  readonly #known = new Map<string, Shown>();
  readonly #waiting: (() => void)[] = [];
  #looking = 0;

  /** In the same order; undefined where it cannot be told. */
  async findAll(x: Exchange, listed: readonly (Listed | undefined)[]): Promise<(Shown | undefined)[]> {
    const found: (Shown | undefined)[] = Array.from({ length: listed.length });
    const entries = listed.entries();
    const work = async () => {
      for (const [i, each] of entries) if (each !== undefined) found[i] = await this.#tryFind(x, each);
    };
    await Promise.all(Array.from({ length: OF_ONE }, work));
    return found;
  }

  /** An object that cannot be looked at stays as it is. */
  async #tryFind(x: Exchange, listed: Listed): Promise<Shown | undefined> {
    try {
      return await this.find(x, listed);
    } catch (error) {
      if (error instanceof Trouble) return undefined;
      throw error;
    }
  }

  /** Undefined where it cannot be told, or where another object is there by now. */
  async find(x: Exchange, { place, tag, size }: Listed): Promise<Shown | undefined> {
    if (size < SMALLEST) return { size, tag };
    const name = nameOf(place, tag);
    const known = this.#known.get(name);
    if (known !== undefined) {
      this.#known.delete(name);
      this.#known.set(name, known);
      return known;
    }
    await this.#enter();
    try {
      if (x.isGone) return undefined;
      const looked = await lookAt(x, place);
      if (typeof looked === "number" || looked.stored !== tag) return undefined;
      this.#keep(name, { size: looked.size, tag: looked.tag });
      return looked;
    } finally {
      this.#leave();
    }
  }

  get count(): number {
    return this.#known.size;
  }

  #keep(name: string, shown: Shown): void {
    this.#known.set(name, shown);
    if (this.#known.size <= MOST) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  async #enter(): Promise<void> {
    if (this.#looking < AT_A_TIME) this.#looking++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place is handed on. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#looking--;
    else next();
  }
}

/** Of one length, however long keys are. */
function nameOf({ path, query }: Place, tag: string): string {
  return new Bun.CryptoHasher("sha256").update(`${path}?${query}\0${tag}`).digest("base64").slice(0, 24);
}
