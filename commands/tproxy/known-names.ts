/** What name an address stands for: the addresses of rules, and hosts files. Resolves nothing. */
import { readFileSync } from "node:fs";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { encodeIp } from "../../lib/wire/ip-bytes.ts";
import { cidrContains, formatIp, parseIp, type Cidr } from "../../lib/wire/ip.ts";
import type { FakeAddresses, FixedName } from "./names/fake-addresses.ts";

/** Whoever knows what a client meant by an address. */
export interface Names {
  /** Canonical names, none twice; several where it is not clear, none where it is not known. `ip` is canonical text. */
  namesOf(ip: string): readonly string[];
  /** Whether the address stands for a name and is nobody's: it is never to be dialled. */
  isFake(ip: string): boolean;
  /** Lets the address stand for its name until it is released by the answer. */
  hold(ip: string): () => void;
}

export class StaticNames implements Names {
  readonly #names = new Map<string, string[]>();
  readonly #fake: readonly Cidr[];

  constructor(fake: readonly Cidr[]) {
    this.#fake = fake;
  }

  /** Both canonical. */
  add(ip: string, name: string): void {
    const names = this.#names.get(ip);
    if (names === undefined) this.#names.set(ip, [name]);
    else if (!names.includes(name)) names.push(name);
  }

  /** Every line of a hosts file (hosts(5)). Throws `PortailError` (66). */
  addHosts(path: string): void {
    for (const line of readHosts(path).split("\n")) {
      const [address = "", ...names] = line.split("#")[0]!.trim().split(/\s+/);
      const ip = parseIp(address);
      if (ip === undefined) continue;
      for (const text of names) {
        const { host } = canonicalHost(text);
        if (host !== undefined) this.add(formatIp(ip), host);
      }
    }
  }

  namesOf(ip: string): readonly string[] {
    return this.#names.get(ip) ?? [];
  }

  hold(): () => void {
    return () => {};
  }

  /** Those that are nobody's, each with its first name. */
  fixed(): FixedName[] {
    return [...this.#names].flatMap(([text, [name]]) => {
      const ip = this.isFake(text) ? parseIp(text) : undefined;
      return ip === undefined || name === undefined ? [] : [{ name, ip, bytes: Uint8Array.from(encodeIp(ip)) }];
    });
  }

  isFake(ip: string): boolean {
    const parsed = parseIp(ip);
    return parsed !== undefined && this.#fake.some((range) => cidrContains(range, parsed));
  }
}

/** The same with the names that a stub resolver has given addresses. */
export class LedAndStaticNames implements Names {
  readonly #statics: StaticNames;
  readonly #led: FakeAddresses;

  constructor(statics: StaticNames, led: FakeAddresses) {
    this.#statics = statics;
    this.#led = led;
  }

  namesOf(ip: string): readonly string[] {
    const known = this.#statics.namesOf(ip);
    const led = this.#led.nameOf(ip);
    return led === undefined || known.includes(led) ? known : [...known, led];
  }

  isFake(ip: string): boolean {
    return this.#statics.isFake(ip);
  }

  hold(ip: string): () => void {
    return this.#led.hold(ip);
  }
}

function readHosts(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new PortailError(`cannot read the hosts file ${JSON.stringify(path)}: ${(error as { code?: string }).code}`, {
      code: "tproxy.hosts_unreadable",
      exit: EXIT.noInput,
      hint: "give --hosts the path of a file like /etc/hosts",
      cause: error,
    });
  }
}
