/** What an inventory is, and what its formats have in common: keys, columns, and how mistakes are told. Reads none. */
import type { FactType } from "../acl/facts.ts";
import { nearest } from "../command/nearest.ts";
import { formatIp, parseIp } from "../wire/ip.ts";
import type { JsonPointer } from "./json-pointer.ts";
import type { Target } from "./targets.ts";

export const FORMATS = ["toml", "json", "csv"] as const;
export type InventoryFormat = (typeof FORMATS)[number];

export interface InventoryShape {
  readonly format: InventoryFormat;
  /** The column of the key; undefined where rows are named by their keys. */
  readonly column: string | undefined;
  readonly keyType: FactType;
  /** Where the rows are in JSON and TOML. */
  readonly rows: JsonPointer;
  /** Of CSV: the ASCII code between cells, and the text between the items of a list. */
  readonly delimiter: number;
  readonly listSeparator: string;
  readonly targets: readonly Target[];
}

/** What is wrong with an inventory, for the operator; repeats no cell but a key. */
export class InventoryError extends Error {
  readonly line: number | undefined;
  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

export interface Inventory {
  /** Rows that have a key. */
  readonly size: number;
  /** What the row of `key` has for each target, as JSON has it; undefined where there is no such row. */
  find(key: string): readonly unknown[] | undefined;
}

/** The text by which a key is found; undefined for none. Addresses have many spellings. */
export function canonicalKey(key: unknown, type: FactType): string | undefined {
  if (typeof key !== "string" && typeof key !== "number" && typeof key !== "boolean") return undefined;
  const text = String(key);
  if (text === "" || type !== "address") return text === "" ? undefined : text;
  const ip = parseIp(text);
  if (ip === undefined) throw new InventoryError(`the key ${JSON.stringify(text)} is no address`);
  return formatIp(ip);
}

/** What an inventory without that column is refused with. */
export function noColumn(name: string, columns: Iterable<string>): InventoryError {
  const near = nearest(name, columns);
  const meant = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
  return new InventoryError(`there is no column ${JSON.stringify(name)}${meant}`);
}
