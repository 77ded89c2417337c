/** Names and the addresses that stand for them: one address of each family for a name, one name for an address. Knows neither files nor packets. */
import { decodeIp } from "../../../lib/wire/ip-bytes.ts";
import { formatIp, parseIp, type Ip } from "../../../lib/wire/ip.ts";
import { isHostName } from "./match.ts";
import type { AddressRange } from "./address-range.ts";
import type { NameRecords } from "./name-records.ts";

export interface FakeAddresses {
  /**
   * The address of a name (`nameText` of lib/wire/dns.ts) in network order, which is its alone from now on and already kept.
   * `none`: names have none of that family. `exhausted`: all are taken, or it could not be kept.
   */
  addressOf(name: string, family: 4 | 6): Uint8Array | "none" | "exhausted";
  /** Whose address it is, in any spelling. */
  nameOf(address: string): string | undefined;
  /** Whether it is, or can be, that of a name. */
  contains(ip: Ip): boolean;
  /** The same for the 4 or 16 bytes at `at`. */
  containsBytes(bytes: Uint8Array, at: number, length: number): boolean;
  /** Keeps an address with its name while it is in use; the answer releases it. For one without a name it does nothing. */
  hold(address: string): () => void;
}

/** An address that the operator gave a name. */
export interface FixedName {
  name: string;
  ip: Ip;
  bytes: Uint8Array;
}

export interface PoolOptions {
  ranges: readonly AddressRange[];
  fixed?: readonly FixedName[];
  records: NameRecords;
  /** Milliseconds after the last answer and the last use before an address may get another name. */
  rest: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

/** Of a name; a link of the list in which those that nobody uses wait, the longest unused first. */
interface Entry {
  name: string;
  number: number;
  used: number;
  holds: number;
  bytes: Record<4 | 6, Uint8Array | undefined>;
  before: Entry;
  after: Entry;
}

export class AddressPool implements FakeAddresses {
  /** Names that got an address since the start; those of them that got one of another name; those that got none. */
  readonly counts = { assigned: 0, recycled: 0, exhausted: 0 };
  readonly #ranges: readonly AddressRange[];
  readonly #v4: AddressRange | undefined;
  readonly #v6: AddressRange | undefined;
  readonly #fixedNames = new Map<string, Record<4 | 6, Uint8Array | undefined>>();
  readonly #fixedAddresses = new Map<string, string>();
  readonly #reserved = new Set<number>();
  readonly #records: NameRecords;
  readonly #rest: number;
  readonly #now: () => number;
  readonly #names = new Map<string, Entry>();
  readonly #numbers: (Entry | undefined)[] = [];
  readonly #size: number;
  /** Stands before the first and behind the last. */
  readonly #ring = newEntry("", 0);
  #next: number;

  constructor({ ranges, fixed = [], records, rest, now = () => performance.now() }: PoolOptions) {
    this.#ranges = ranges;
    this.#v4 = ranges.find(({ family }) => family === 4);
    this.#v6 = ranges.find(({ family }) => family === 6);
    this.#size = ranges.length === 0 ? 0 : Math.min(...ranges.map(({ size }) => size));
    this.#records = records;
    this.#rest = rest;
    this.#now = now;
    for (const one of fixed) this.#fix(one);
    // When they were used last is not kept: as far as anybody knows, just now.
    let last = 0;
    for (const [number, name] of records.read) {
      if (number > this.#size || this.#reserved.has(number)) continue;
      last = Math.max(last, number);
      // What the operator says counts, whatever was kept before.
      if (!this.#fixedNames.has(name)) this.#enter(name, number);
    }
    this.#next = last + 1;
    // Programs may still know them: they rest before they get a name again.
    for (let n = 1; n <= last; n++) if (this.#numbers[n] === undefined && !this.#reserved.has(n)) this.#enter("", n);
  }

  /** Names that have an address of the ranges. */
  get size(): number {
    return this.#names.size;
  }

  /** Names that could have one at a time. */
  get capacity(): number {
    return this.#size - this.#reserved.size;
  }

  #fix({ name, ip, bytes }: FixedName): void {
    const both = this.#fixedNames.get(name) ?? { 4: undefined, 6: undefined };
    both[ip.family] = bytes;
    this.#fixedNames.set(name, both);
    this.#fixedAddresses.set(formatIp(ip), name);
    const number = this.#numberOf(ip);
    if (number > 0) this.#reserved.add(number);
  }

  addressOf(name: string, family: 4 | 6): Uint8Array | "none" | "exhausted" {
    const fixed = this.#fixedNames.get(name);
    if (fixed !== undefined) return fixed[family] ?? "none";
    const range = family === 4 ? this.#v4 : this.#v6;
    if (range === undefined) return "none";
    const entry = this.#names.get(name) ?? (isHostName(name) ? this.#assign(name) : undefined);
    if (entry === undefined) return "exhausted";
    entry.used = this.#now();
    if (entry.holds === 0) this.#toEnd(entry);
    return (entry.bytes[family] ??= range.bytes(entry.number));
  }

  /** Nobody is told of it before it is kept. */
  #assign(name: string): Entry | undefined {
    while (this.#reserved.has(this.#next)) this.#next++;
    const fresh = this.#next <= this.#size;
    const old = fresh ? undefined : this.#ring.after;
    const number = fresh ? this.#next : this.#mayTake(old!) ? old!.number : 0;
    if (number === 0 || !this.#records.assign(number, name, !fresh)) {
      this.counts.exhausted++;
      return undefined;
    }
    if (fresh) this.#next++;
    else {
      unlink(old!);
      this.#names.delete(old!.name);
      this.counts.recycled++;
    }
    this.counts.assigned++;
    const entry = this.#enter(name, number);
    this.#records.tidy(() => this.#inOrder());
    return entry;
  }

  #mayTake(entry: Entry): boolean {
    return entry !== this.#ring && this.#now() - entry.used >= this.#rest;
  }

  #enter(name: string, number: number): Entry {
    const entry = newEntry(name, number);
    entry.used = this.#now();
    if (name !== "") this.#names.set(name, entry);
    this.#numbers[number] = entry;
    this.#toEnd(entry);
    return entry;
  }

  #toEnd(entry: Entry): void {
    unlink(entry);
    const last = this.#ring.before;
    entry.before = last;
    entry.after = this.#ring;
    last.after = entry;
    this.#ring.before = entry;
  }

  nameOf(address: string): string | undefined {
    const ip = parseIp(address);
    if (ip === undefined) return undefined;
    const fixed = this.#fixedAddresses.size === 0 ? undefined : this.#fixedAddresses.get(formatIp(ip));
    return fixed ?? (this.#numbers[this.#numberOf(ip)]?.name || undefined);
  }

  #numberOf(ip: Ip): number {
    return (ip.family === 4 ? this.#v4 : this.#v6)?.numberOf(ip) ?? 0;
  }

  contains(ip: Ip): boolean {
    return this.#ranges.some((range) => range.contains(ip)) || this.#fixedAddresses.has(formatIp(ip));
  }

  containsBytes(bytes: Uint8Array, at: number, length: number): boolean {
    if (length === 16 && isMapped(bytes, at)) return this.containsBytes(bytes, at + 12, 4);
    const range = length === 4 ? this.#v4 : this.#v6;
    if (range?.containsBytes(bytes, at)) return true;
    return this.#fixedAddresses.size > 0 && this.#fixedAddresses.has(formatIp(decodeIp(bytes, at, length)));
  }

  hold(address: string): () => void {
    const ip = parseIp(address);
    const entry = ip && this.#numbers[this.#numberOf(ip)];
    if (entry === undefined) return () => {};
    if (entry.holds++ === 0) unlink(entry);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      entry.used = this.#now();
      if (--entry.holds === 0) this.#toEnd(entry);
    };
  }

  /** Numbers and names, the longest unused first, those in use last. */
  *#inOrder(): Iterable<readonly [number, string]> {
    for (let entry = this.#ring.after; entry !== this.#ring; entry = entry.after) {
      if (entry.name !== "") yield [entry.number, entry.name];
    }
    for (const { holds, number, name } of this.#names.values()) if (holds > 0) yield [number, name];
  }

  /** Keeps what is known in the order of its use. */
  close(): void {
    this.#records.close(() => this.#inOrder());
  }
}

/** `::ffff:0:0/96`: the system connects to the IPv4 address in it. */
function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

function newEntry(name: string, number: number): Entry {
  const bytes = { 4: undefined, 6: undefined };
  const entry = { name, number, used: 0, holds: 0, bytes } as Entry;
  entry.before = entry.after = entry;
  return entry;
}

function unlink(entry: Entry): void {
  entry.before.after = entry.after;
  entry.after.before = entry.before;
  entry.before = entry.after = entry;
}
