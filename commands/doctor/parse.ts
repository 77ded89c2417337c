/** What files of the kernel, of p11-kit and versions of programs say, as values. Reads no file. */

/** Bits of capabilities(7). */
const CAP_NET_BIND_SERVICE = 10n;
const CAP_NET_ADMIN = 12n;

/** `/proc/self/status`; undefined where it tells of no capabilities. */
export function parseRights(status: string): { netAdmin: boolean; netBindService: boolean } | undefined {
  const [, digits] = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status) ?? [];
  if (digits === undefined) return undefined;
  const effective = BigInt(`0x${digits}`);
  const has = (bit: bigint): boolean => ((effective >> bit) & 1n) === 1n;
  return { netAdmin: has(CAP_NET_ADMIN), netBindService: has(CAP_NET_BIND_SERVICE) };
}

/** `/proc/self/limits`: the soft and the hard limit of open files; no limit is Infinity. */
export function parseOpenFiles(limits: string): { soft: number; hard: number } | undefined {
  const [, soft, hard] = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)\s/m.exec(limits) ?? [];
  if (soft === undefined || hard === undefined) return undefined;
  const number = (text: string): number => (text === "unlimited" ? Infinity : Number(text));
  return { soft: number(soft), hard: number(hard) };
}

/** A sysctl of one number. */
export function parseNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

/** `net.ipv4.ip_local_port_range`: the first and the last. */
export function parsePorts(text: string): readonly [number, number] | undefined {
  const [, first, last] = /^(\d{1,5})\s+(\d{1,5})$/.exec(text.trim()) ?? [];
  return first === undefined || last === undefined ? undefined : [Number(first), Number(last)];
}

/** `/proc/net/if_inet6`: addresses beyond loopback and one link, loopback alone, or none. */
export function parseIpv6(text: string): "none" | "loopback" | "network" {
  // Address, interface, length of the prefix, scope, flags, name: of the scopes 00 is the widest.
  const scopes = text.split("\n").flatMap((line) => line.trim().split(/\s+/)[3] ?? []);
  if (scopes.includes("00")) return "network";
  return scopes.includes("10") ? "loopback" : "none";
}

/** The first number of `systemd 252 (252.39-1)`. */
export function parseSystemdVersion(text: string): number | undefined {
  const [, version] = /^systemd (\d{1,6})/.exec(text) ?? [];
  return version === undefined ? undefined : Number(version);
}

/** The version of `nftables v1.0.6 (Lester Gooch #5)`. */
export function parseNftVersion(text: string): string {
  return /^nftables v([\d.]+)/.exec(text)?.[1] ?? "of an unknown version";
}

/** A `*.module` file of p11-kit (pkcs11.conf(5)): the library that it names; undefined where it is for trust alone. */
export function parseModule(text: string): string | undefined {
  const settings = text.split("\n").flatMap((line) => {
    const [, name, value] = /^\s*([a-z0-9-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value!] as const];
  });
  const { module, "trust-policy": trust } = Object.fromEntries(settings) as Record<string, string | undefined>;
  return trust === "yes" || module === "" ? undefined : module;
}
