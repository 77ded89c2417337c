/** What name an address stands for: the addresses of rules, and hosts files. Resolves nothing. */
import { readFileSync } from "node:fs";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { cidrContains, formatIp, parseIp, type Cidr } from "../../lib/wire/ip.ts";

/** Whoever knows what a client meant by an address. */
export interface Names {
  /** Canonical names, none twice; several where it is not clear, none where it is not known. `ip` is canonical text. */
  namesOf(ip: string): readonly string[];
  /** Whether the address stands for a name and is nobody's: it is never to be dialled. */
  isFake(ip: string): boolean;
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

  isFake(ip: string): boolean {
    const parsed = parseIp(ip);
    return parsed !== undefined && this.#fake.some((range) => cidrContains(range, parsed));
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
