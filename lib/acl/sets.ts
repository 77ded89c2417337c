/** The right-hand sides of `in` and `under`: names, numbers, addresses. Not their syntax. */
import type { Cidr } from "../wire/ip.ts";
import { NameTable } from "./tables/name-table.ts";
import { RangeTable } from "./tables/range-table.ts";

/** Texts; compared exactly. `names` is kept only for sets written in a policy file that are not large, for index and lint. */
export interface NameSet {
  readonly table: NameTable;
  readonly names: readonly string[] | undefined;
  /** The named set that it comes from. */
  readonly label: string | undefined;
}

export interface NumberSet {
  readonly values: ReadonlySet<number | bigint>;
  readonly ranges: readonly { readonly low: number; readonly high: number }[];
}

export interface AddressSet {
  readonly table: RangeTable;
  /** Kept only for sets written in a policy file that are not large, as `names` is. */
  readonly networks: readonly Cidr[] | undefined;
  readonly label: string | undefined;
}

/** Larger sets are asked as they are, and not taken apart. */
export const MAX_KEPT = 2_000;

export function nameSet(names: readonly string[], label?: string): NameSet {
  const table = new NameTable(names.length);
  for (const name of names) table.add(name);
  table.trim();
  return { table, names: names.length > MAX_KEPT ? undefined : names, label };
}

export function addressSet(networks: readonly Cidr[], label?: string): AddressSet {
  return { table: new RangeTable(networks), networks: networks.length > MAX_KEPT ? undefined : networks, label };
}

export function hasNumber({ values, ranges }: NumberSet, value: number | bigint): boolean {
  if (values.has(value)) return true;
  for (let i = 0; i < ranges.length; i++) if (value >= ranges[i]!.low && value <= ranges[i]!.high) return true;
  return false;
}
