/** What clients are shown of the objects in a listing: looked up once for each object and tag, some at a time, and remembered. */
import type { Exchange } from "./exchange.ts";
import type { Place } from "./multipart/ask.ts";
import { lookAt, type Shown } from "./s3-look.ts";

/** Objects that are remembered: about 10 MB. */
const MOST = 50_000;
/** Looks at a time, of all listings together. */
const AT_A_TIME = 32;
/** Whatever is smaller has no header of ours: it is what it seems. */
const SMALLEST = 48;

export interface Listed {
  readonly place: Place;
  /** As the listing has it, in quotes. */
  readonly tag: string;
  /** Of what is stored. */
  readonly size: number;
}

export class Sizes {
  /** In the order in which they were last asked for. */
  readonly #known = new Map<string, Shown>();
  readonly #waiting: (() => void)[] = [];
  #looking = 0;

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
