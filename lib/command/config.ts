/** The configuration file: TOML whose keys are the command's flags, plus the tables that it takes. Resolves no names and opens nothing else. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { TomlTable, TomlValue } from "smol-toml";
import { completeArgs, type ArgValue, type ArgValues } from "./argv.ts";
import { emptyTables, TABLES, type ConfigTables, type TableName, type TableSchema } from "./config-tables.ts";
import type { ArgDefinition, ArgDefinitions, Command } from "./define.ts";
import { EXIT, PortailError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { TomlDocument } from "./toml-document.ts";
import type { KeyPath } from "./toml-line.ts";

interface ConfigFile {
  /** Values for the command's flags. */
  values: ArgValues;
  tables: ConfigTables;
  /** `FILE:LINE` of a key, which may be written with `-` or `_`. */
  place(path: readonly string[]): string;
}

type Target = Pick<Command, "meta" | "args">;

/** Reads the file at `path`, relative to `cwd`. Throws PortailError: 66 when it cannot be read, else as `parseConfig`. */
export function loadConfig(path: string, cwd: string, command: Target): ConfigFile {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, path), "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PortailError(`cannot read configuration "${path}": ${code ?? String(error)}`, {
      code: "config.unreadable",
      exit: EXIT.noInput,
      hint: "paths count from the working directory",
      cause: error,
    });
  }
  return parseConfig(text, path, command);
}

/**
 * Reads `text` for `command`; `file` names it in messages. Top-level keys are flag names, `-` or `_`; flags take text or
 * integers, repeatable ones arrays too. Throws PortailError (78), with file and line, for a syntax error, an unknown key
 * (and the nearest known one), a wrong type, and a table that the command does not take.
 */
export function parseConfig(text: string, file: string, command: Target): ConfigFile {
  const reader = new Reader(text, file);
  const { args, meta } = command;
  const taken = meta.tables ?? [];
  const values = new Map<string, ArgValue>();
  const tables: Partial<Record<TableName, unknown>> = { ...emptyTables() };
  const flags = Object.fromEntries(
    Object.entries(args).filter(([name, d]) => name !== "config" && (d.type !== "positional" || d.inFile)),
  );
  for (const [key, value] of Object.entries(reader.document)) {
    const name = key.replaceAll("_", "-");
    if (isTableName(name) && isTabular(value)) {
      if (!taken.includes(name))
        throw reader.refuse([key], "config.table", `"${meta.name}" takes no table "${key}"`, listed(taken));
      tables[name] = reader.table(name, key, value);
    } else {
      reader.scalar([key], name, value, flags, values, taken);
    }
  }
  return { values, tables: tables as ConfigTables, place: (path) => reader.place(path) };
}

class Reader extends TomlDocument {
  /** Checks one key against `definitions` and keeps its value under `name`. */
  scalar(
    path: KeyPath,
    name: string,
    value: TomlValue,
    definitions: ArgDefinitions,
    values: Map<string, ArgValue>,
    tables: readonly TableName[] = [],
  ): void {
    const typed = String(path.at(-1));
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (!definition) {
      const suggestion = nearest(name, [...Object.keys(definitions), ...tables]);
      const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
      throw this.refuse(path, "config.unknown_key", `unknown key "${typed}"`, hint);
    }
    if (values.has(name)) throw this.refuse(path, "config.repeated", `"${typed}" is given more than once`);
    const read = readValue(definition, value);
    if (read === undefined) {
      const message = `"${typed}" must be ${expected(definition)}, not ${typeName(value)}`;
      throw this.refuse(path, "config.wrong_type", message);
    }
    values.set(name, read);
  }

  /** The rows of one table, in the shape of its schema. */
  table(name: TableName, key: string, value: TomlTable | TomlTable[]): unknown {
    const schema: TableSchema = TABLES[name];
    const { shape } = schema;
    if (shape === "list") {
      if (!Array.isArray(value)) throw this.refuse([key], "config.wrong_type", `write [[${key}]], not [${key}]`);
      return value.map((row, index) => this.#row([key, index], row, schema));
    }
    if (Array.isArray(value)) throw this.refuse([key], "config.wrong_type", `write [${key}.NAME], not [[${key}]]`);
    const rows = Object.entries(value).map(([rowName, row]) => {
      const path = [key, rowName];
      if (!isTable(row))
        throw this.refuse(path, "config.wrong_type", `"${rowName}" must be a table: write [${key}.${rowName}]`);
      return [rowName, this.#row(path, row, schema)] as const;
    });
    return new Map(rows);
  }

  #row(path: KeyPath, row: TomlTable, { keys, inherits }: TableSchema): unknown {
    const values = new Map<string, ArgValue>();
    for (const [key, value] of Object.entries(row)) {
      this.scalar([...path, key], key.replaceAll("_", "-"), value, keys, values);
    }
    const missing = Object.entries(keys).find(([name, d]) => d.type !== "boolean" && d.required && !values.has(name));
    if (missing) throw this.refuse(path, "config.missing", `"${missing[0]}" is required in "${path.join(".")}"`);
    return inherits ? Object.fromEntries(values) : completeArgs(keys, values);
  }
}

function readValue(definition: ArgDefinition, value: TomlValue): ArgValue | undefined {
  if (definition.type === "boolean") return typeof value === "boolean" ? value : undefined;
  const text = scalarText(value);
  if (!definition.multiple) return text;
  if (!Array.isArray(value)) return text === undefined ? undefined : [text];
  const texts = value.map(scalarText);
  return texts.every((item) => item !== undefined) ? texts : undefined;
}

/** Integers are written without quotes in a file; flags know only text. */
function scalarText(value: TomlValue): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : undefined;
}

function expected(definition: ArgDefinition): string {
  if (definition.type === "boolean") return "true or false";
  return definition.multiple ? "a string, an integer or an array of them" : "a string or an integer";
}

function typeName(value: TomlValue): string {
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table";
  if (typeof value === "boolean") return "a boolean";
  if (typeof value === "string") return "a string";
  return Number.isInteger(value) ? "an integer" : "a fraction";
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

/** `listen` is a flag when it holds text, and a table when it holds tables. */
function isTabular(value: TomlValue): value is TomlTable | TomlTable[] {
  return isTable(value) || (Array.isArray(value) && value.length > 0 && value.every(isTable));
}

function isTableName(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

function listed(tables: readonly TableName[]): string | undefined {
  return tables.length === 0 ? undefined : `it takes ${tables.join(", ")}`;
}
