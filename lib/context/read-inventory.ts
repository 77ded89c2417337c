/** Reads an inventory: TOML and JSON as a whole, CSV in slices. What is in it is looked up later. */
import { parse as parseToml, TomlError } from "smol-toml";
import { decodeUtf8 } from "../wire/utf8.ts";
import { CsvInventory } from "./csv-inventory.ts";
import { CsvError } from "./csv.ts";
import { canonicalKey, InventoryError, noColumn, type Inventory, type InventoryShape } from "./inventory.ts";
import { follow, parsePointer } from "./json-pointer.ts";
import { PackedRows } from "./packed-rows.ts";

/** Reads all of `bytes`. CSV is taken in slices, between which it yields. Throws `InventoryError`. */
export function* readInventory(bytes: Uint8Array, shape: InventoryShape): Generator<undefined, Inventory> {
  if (shape.format !== "csv") return rowsOf(documentOf(bytes, shape.format), shape);
  try {
    return yield* CsvInventory.read(bytes, shape);
  } catch (error) {
    throw error instanceof CsvError ? new InventoryError(error.message, error.line) : error;
  }
}

function documentOf(bytes: Uint8Array, format: "json" | "toml"): unknown {
  const text = decodeUtf8(bytes)?.replace(/^\ufeff/, "");
  if (text === undefined) throw new InventoryError("the inventory is not UTF-8");
  try {
    return format === "json" ? JSON.parse(text) : parseToml(text);
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
      throw new InventoryError(reason, error.line);
    }
    // What the runtime says of it may repeat what is in it.
    throw new InventoryError("the inventory is not JSON");
  }
}

function rowsOf(document: unknown, shape: InventoryShape): Inventory {
  const { column, targets, keyType } = shape;
  const found = follow(document, shape.rows);
  const pointers = targets.map(({ from }) => (from.startsWith("/") ? parsePointer(from)! : [from]));
  const rows = new PackedRows();
  const columns = new Set<string>();
  const seen = pointers.map(() => false);
  for (const [key, row] of entriesOf(found, column)) {
    if (typeof row !== "object" || row === null) {
      throw new InventoryError(
        key === undefined ? "a row is no table" : `the row of ${JSON.stringify(key)} is no table`,
      );
    }
    const text = canonicalKey(key, keyType);
    if (text === undefined) continue;
    const values = pointers.map((pointer) => follow(row, pointer));
    for (const [i, value] of values.entries()) if (value !== undefined) seen[i] = true;
    if (columns.size < 100) for (const name of Object.keys(row)) columns.add(name);
    if (!rows.add(text, values)) throw new InventoryError(`the key ${JSON.stringify(text)} has two rows`);
  }
  const unknown = targets[seen.indexOf(false)];
  if (rows.size > 0 && unknown !== undefined) throw noColumn(unknown.from, columns);
  rows.seal();
  return rows;
}

/** Keys and rows: of an array by the column, of a table by the names in it. */
function* entriesOf(found: unknown, column: string | undefined): Generator<readonly [key: unknown, row: unknown]> {
  if (column === undefined) {
    if (typeof found !== "object" || found === null || Array.isArray(found)) {
      throw new InventoryError('the rows are not named: say which "column" has the key, and by "rows" where they are');
    }
    yield* Object.entries(found);
    return;
  }
  if (!Array.isArray(found)) throw new InventoryError('there is no list of rows: say by "rows" where it is');
  let named = found.length === 0;
  for (const row of found as unknown[]) {
    const key = follow(row, [column]);
    if (key !== undefined) named = true;
    yield [key, row];
  }
  if (!named) throw new InventoryError(`no row has the column ${JSON.stringify(column)}`);
}
