/** The right-hand sides of `in` and `under`: names, numbers, addresses. Not their syntax. */
import type { Cidr } from "../wire/ip.ts";
import { NameTable } from "./tables/name-table.ts";
import { PrefixTable } from "./tables/prefix-table.ts";

/** Texts; compared exactly. `names` is kept only for sets written in a policy file, for the index and explanations. */
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
  readonly table: PrefixTable;
  /** Kept for the index and explanations. */
  readonly networks: readonly Cidr[];
  readonly label: string | undefined;
}

export function nameSet(names: readonly string[], label?: string): NameSet {
  const table = new NameTable();
  for (const name of names) table.add(name);
  table.trim();
  return { table, names, label };
}

export function addressSet(networks: readonly Cidr[], label?: string): AddressSet {
  const table = new PrefixTable();
  for (const network of networks) table.add(network);
  return { table, networks, label };
}

export function hasNumber({ values, ranges }: NumberSet, value: number | bigint): boolean {
  if (values.has(value)) return true;
  for (const { low, high } of ranges) if (value >= low && value <= high) return true;
  return false;
}
