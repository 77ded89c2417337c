/** An inventory in CSV that stays as it was read, bytes, with an index by key: cells become values when a row is asked for. */
import { isUtf8 } from "node:buffer";
import type { FactType } from "../acl/facts.ts";
import { CsvReader } from "./csv.ts";
import { canonicalKey, InventoryError, noColumn, type Inventory, type InventoryShape } from "./inventory.ts";
import { hashOf, KeyIndex } from "./key-index.ts";

/** Records between two pauses: some 10 ms. */
const SLICE = 10_000;

export class CsvInventory implements Inventory {
  readonly #bytes: Uint8Array;
  readonly #shape: InventoryShape;
  readonly #index = new KeyIndex();
  /** Places of the columns. */
  #key = 0;
  #columns: readonly number[] = [];
  /** Reads the rows that are looked at again. */
  readonly #again: CsvReader;

  private constructor(bytes: Uint8Array, shape: InventoryShape) {
    this.#bytes = bytes;
    this.#shape = shape;
    this.#again = new CsvReader(bytes, shape.delimiter);
  }

  /** Indexes all of `bytes`, which begin with the names of the columns. Throws `InventoryError` or `CsvError`. */
  static *read(bytes: Uint8Array, shape: InventoryShape): Generator<undefined, CsvInventory> {
    // As spreadsheets write it that know of one alphabet: names would be nobody's.
    if (!isUtf8(bytes)) throw new InventoryError("the inventory is not UTF-8");
    const inventory = new CsvInventory(bytes, shape);
    const reader = new CsvReader(bytes, shape.delimiter);
    const columns = inventory.#readHead(reader);
    for (let slice = SLICE; reader.next();) {
      if (reader.count !== columns) {
        throw reader.refuse(`the row has ${reader.count} cells where the first line has ${columns}`);
      }
      inventory.#add(reader);
      if (--slice > 0) continue;
      slice = SLICE;
      yield;
    }
    return inventory;
  }

  get size(): number {
    return this.#index.size;
  }

  find(key: string): readonly unknown[] | undefined {
    const bytes = Buffer.from(key);
    const at = this.#index.find(hashOf(bytes, 0, bytes.length), (offset) => this.#keyAt(offset) === key);
    if (at === undefined) return undefined;
    const row = this.#rowAt(at);
    const { targets, listSeparator } = this.#shape;
    return targets.map(({ type }, i) => cellValue(row.text(this.#columns[i]!), type, listSeparator));
  }

  #readHead(reader: CsvReader): number {
    if (!reader.next()) throw new InventoryError("the inventory is empty: its first line names the columns");
    const names = Array.from({ length: reader.count }, (_, i) => reader.text(i));
    const placeOf = (name: string): number => {
      const place = names.indexOf(name);
      if (place === -1) throw noColumn(name, names);
      if (names.indexOf(name, place + 1) !== -1) {
        throw new InventoryError(`two columns are named ${JSON.stringify(name)}`, 1);
      }
      return place;
    };
    this.#key = placeOf(this.#shape.column!);
    this.#columns = this.#shape.targets.map(({ from }) => placeOf(from));
    return reader.count;
  }

  /** Rows without a key are nobody's. */
  #add(reader: CsvReader): void {
    const { from, to, doubled } = reader.bounds(this.#key);
    if (from === to) return;
    const plain = !doubled && this.#shape.keyType !== "address";
    const key = plain ? undefined : this.#keyOf(reader);
    const bytes = key === undefined ? this.#bytes : Buffer.from(key);
    const [start, end] = key === undefined ? [from, to] : [0, bytes.length];
    const same = (offset: number) => this.#keyAt(offset) === (key ?? reader.text(this.#key));
    const other = this.#index.add(hashOf(bytes, start, end), reader.start, same);
    if (other === undefined) return;
    throw reader.refuse(`the key ${JSON.stringify(key ?? reader.text(this.#key))} has a row already`);
  }

  #keyAt(offset: number): string {
    return this.#keyOf(this.#rowAt(offset));
  }

  #keyOf(reader: CsvReader): string {
    const text = reader.text(this.#key);
    try {
      return canonicalKey(text, this.#shape.keyType) ?? "";
    } catch (error) {
      throw reader.refuse((error as Error).message);
    }
  }

  #rowAt(offset: number): CsvReader {
    this.#again.at = offset;
    this.#again.next();
    return this.#again;
  }
}

/** A cell as JSON would have it: cells are texts, and an empty one is none. What is not of the type stays text, and is refused. */
function cellValue(cell: string, type: FactType, separator: string): unknown {
  if (cell === "") return undefined;
  if (type === "number") return /^-?[0-9]+(?:\.[0-9]+)?$/.test(cell) ? Number(cell) : cell;
  if (type === "boolean") return /^(?:true|false)$/i.test(cell) ? cell.toLowerCase() === "true" : cell;
  if (type !== "strings") return cell;
  return cell
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
