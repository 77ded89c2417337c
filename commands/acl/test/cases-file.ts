/** Test cases in TOML to the syntax tree of `test` blocks, so that the language's own checks read them. Runs nothing. */
import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from "smol-toml";
import type { Binding, Expectation, ListLiteral, Literal, Name, TestBlock, TestCase } from "../../../lib/acl/ast.ts";
import { Context } from "../../../lib/acl/check/context.ts";
import { checkTest } from "../../../lib/acl/check/test.ts";
import { type Diagnostic, Diagnostics } from "../../../lib/acl/diagnostic.ts";
import type { CheckedTest } from "../../../lib/acl/model.ts";
import { Source } from "../../../lib/acl/source.ts";
import { nearest } from "../../../lib/command/nearest.ts";
import type { KeyPath } from "../../../lib/command/toml-line.ts";
import { TomlPlaces } from "./toml-places.ts";

interface CasesFile {
  readonly source: Source;
  readonly tests: readonly CheckedTest[];
  /** Errors; with any, there are no tests to be run. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The keys of a case that stand beside `name` and `given`, as the words of `expect` in the language. */
const EXPECTATION = ["expect", "by", "to", "via", "explain", "missing", "logged"] as const;
const CASE_KEYS = ["name", "given", ...EXPECTATION];
const TEST_KEYS = [...CASE_KEYS, "case", "columns", "rows"];
const FILE_KEYS = ["given", "test"];
const OUTCOMES = ["allow", "deny", "redirect", "challenge"] as const;

/** Reads the text of a cases file; `policies` are the names that an expectation may use. Never throws for what it holds. */
export function parseCases(text: string, file: string, policies: readonly string[]): CasesFile {
  const source = new Source(file, text);
  const diagnostics = new Diagnostics();
  const document = parseDocument(source, diagnostics);
  if (document === undefined) return { source, tests: [], diagnostics: diagnostics.list };
  const context = new Context(source, diagnostics, new Map(), new Set());
  const blocks = new CasesReader(context, new TomlPlaces(text)).blocks(document);
  const names = new Set(policies);
  const tests = blocks.flatMap((block) => checkTest(block, names, context));
  return { source, tests: diagnostics.failed ? [] : tests, diagnostics: diagnostics.list };
}

function parseDocument(source: Source, diagnostics: Diagnostics): TomlTable | undefined {
  try {
    return parse(source.text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    const start =
      source.text
        .split("\n")
        .slice(0, error.line - 1)
        .join("\n").length + (error.line > 1 ? 1 : 0);
    const at = start + error.column - 1;
    diagnostics.error("acl.syntax", source, { start: at, end: at + 1 }, { message: reason });
    return undefined;
  }
}

class CasesReader {
  constructor(
    readonly context: Context,
    readonly places: TomlPlaces,
  ) {}

  blocks(document: TomlTable): TestBlock[] {
    this.#known(document, FILE_KEYS, []);
    const shared = this.#bindings(document["given"], ["given"]);
    const tests = this.#tables(document["test"], ["test"]);
    return tests.map((table, i) => this.#block(table, ["test", i], shared));
  }

  /** What the file gives to all tests is left out where a test gives it itself. */
  #block(table: TomlTable, path: KeyPath, shared: readonly Binding[]): TestBlock {
    this.#known(table, TEST_KEYS, path);
    const own = this.#bindings(table["given"], [...path, "given"]);
    const isAddress = (name: string) => name === "dest.ip" || name === "resolves";
    const isOwn = (shared: string) =>
      own.some(({ name: { text } }) => text === shared || (isAddress(text) && isAddress(shared)));
    const at = this.places.of(path);
    const name = this.#text(table["name"], [...path, "name"]);
    const cases = [...this.#cases(table["case"], [...path, "case"]), ...this.#rows(table, path)];
    const expect = this.#expectation(table, path, cases.length === 0);
    if (name === undefined)
      this.context.error("acl.syntax", at, { message: "the test has no name", hint: 'add name = "…"' });
    return {
      ...spanOf(at),
      kind: "test",
      name: { ...spanOf(at), kind: "string", value: name ?? "" },
      given: [...shared.filter((one) => !isOwn(one.name.text)), ...own],
      ...(expect && { expect }),
      cases,
    };
  }

  #cases(value: TomlValue | undefined, path: KeyPath): TestCase[] {
    return this.#tables(value, path).flatMap((table, i) => this.#case(table, [...path, i], CASE_KEYS) ?? []);
  }

  /** `columns` names what the cells of each row are. */
  #rows(table: TomlTable, path: KeyPath): TestCase[] {
    if (table["rows"] === undefined && table["columns"] === undefined) return [];
    const columns = this.#texts(table["columns"] ?? [], [...path, "columns"]) ?? [];
    const rows = Array.isArray(table["rows"]) ? table["rows"] : [];
    const repeated = columns.find((name, i) => columns.indexOf(name) !== i);
    if (columns.length === 0 || rows.length === 0 || repeated !== undefined) {
      const message = repeated === undefined ? '"columns" and "rows" go together' : `a second column "${repeated}"`;
      const key = repeated === undefined && table["rows"] !== undefined ? "rows" : "columns";
      this.context.error("acl.syntax", this.places.of([...path, key]), { message });
      return [];
    }
    return rows.flatMap((row, i) => {
      const at = [...path, "rows", i];
      if (!Array.isArray(row) || row.length !== columns.length) {
        const message = `the row is not a list of ${columns.length} cells, as there are columns`;
        return this.context.error("acl.syntax", this.places.of(at), { message }) ?? [];
      }
      const cells: TomlTable = {};
      const given: TomlTable = {};
      for (const [k, column] of columns.entries()) {
        const isKey = column !== "given" && CASE_KEYS.includes(column);
        (isKey ? cells : given)[column] = row[k]!;
      }
      return this.#case({ ...cells, given }, at, CASE_KEYS) ?? [];
    });
  }

  #case(table: TomlTable, path: KeyPath, keys: readonly string[]): TestCase | undefined {
    this.#known(table, keys, path);
    const expect = this.#expectation(table, path, true);
    const name = table["name"] === undefined ? undefined : this.#text(table["name"], [...path, "name"]);
    const given = this.#bindings(table["given"], [...path, "given"]);
    const at = spanOf(this.places.of(path));
    return (
      expect && { ...at, ...(name !== undefined && { name: { ...at, kind: "string", value: name } }), given, expect }
    );
  }

  #expectation(table: TomlTable, path: KeyPath, needed: boolean): Expectation | undefined {
    const first = EXPECTATION.find((key) => table[key] !== undefined);
    if (first === undefined && !needed) return undefined;
    const at = this.places.of(first === undefined ? path : [...path, first]);
    const outcome = OUTCOMES.find((one) => one === table["expect"]);
    if (outcome === undefined) {
      const guess = typeof table["expect"] === "string" ? nearest(table["expect"], OUTCOMES) : undefined;
      this.context.error("acl.missing_expectation", at, {
        message: `"expect" must be ${OUTCOMES.map((one) => `"${one}"`).join(", ")}`,
        hint: guess && `did you mean "${guess}"?`,
      });
      return undefined;
    }
    const text = (key: string) => (table[key] === undefined ? undefined : this.#text(table[key], [...path, key]));
    const texts = (key: string) => (table[key] === undefined ? undefined : this.#texts(table[key], [...path, key]));
    const placed = (key: string) => this.places.of([...path, key]);
    const name = (key: string, text: string): Name => Object.assign(placed(key), { text });
    const string = (key: string, value: string) => Object.assign(placed(key), { kind: "string" as const, value });
    const [by, to, explain, missing] = [text("by"), text("to"), text("explain"), text("missing")];
    const [via, logged] = [texts("via"), texts("logged")];
    return {
      ...spanOf(this.places.of(path)),
      outcome,
      ...(by !== undefined && { by: name("by", by) }),
      ...(to !== undefined && { to: string("to", to) }),
      ...(via && { via: via.map((one) => string("via", one)) }),
      ...(explain !== undefined && { explain: string("explain", explain) }),
      ...(missing !== undefined && { missing: name("missing", missing) }),
      ...(logged && { logged: logged.map((one) => name("logged", one)) }),
    };
  }

  /** Facts by their dotted names, whether those are quoted (`"dest.ip" = …`) or tables (`dest.ip = …`). */
  #bindings(value: TomlValue | undefined, path: KeyPath): Binding[] {
    if (value === undefined) return [];
    if (!isTable(value)) return this.#wrong(path, "a table of facts") ?? [];
    return this.#flat(value, "", path);
  }

  #flat(table: TomlTable, prefix: string, path: KeyPath): Binding[] {
    return Object.entries(table).flatMap(([key, value]): Binding[] => {
      const at = [...path, key];
      if (isTable(value)) return this.#flat(value, `${prefix}${key}.`, at);
      const read = this.#value(value, at);
      const name = Object.assign(this.places.of(at), { text: `${prefix}${key}` });
      return read === undefined ? [] : [Object.assign(this.places.of(at), { name, value: read })];
    });
  }

  #value(value: TomlValue, path: KeyPath): Literal | ListLiteral | undefined {
    const at = this.places.of(path);
    if (value instanceof TomlDate)
      return Object.assign(at, { kind: "string" as const, value: value.toISOString().replace(/\.0+(?=Z|[+-]|$)/, "") });
    if (typeof value === "string") return Object.assign(at, { kind: "string" as const, value });
    if (typeof value === "boolean") return Object.assign(at, { kind: "boolean" as const, value });
    if (typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)))
      return Object.assign(at, { kind: "number" as const, value });
    if (!Array.isArray(value)) return this.#wrong(path, "a value that a fact can have");
    const items = value.map((item) => this.#value(item, path));
    const plain = items.filter((item) => item?.kind === "string" || item?.kind === "number");
    if (plain.length < items.length) return this.#wrong(path, "a list of texts");
    return Object.assign(at, { kind: "list" as const, items: plain as ListLiteral["items"] });
  }

  #text(value: TomlValue | undefined, path: KeyPath): string | undefined {
    return value === undefined || typeof value === "string" ? value : this.#wrong(path, "a text");
  }

  #texts(value: TomlValue, path: KeyPath): string[] | undefined {
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    return isList ? (value as string[]) : this.#wrong(path, "a list of texts");
  }

  #tables(value: TomlValue | undefined, path: KeyPath): TomlTable[] {
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every(isTable)) return value as TomlTable[];
    return (
      this.#wrong(path, `a list of tables: write [[${path.filter((key) => typeof key === "string").join(".")}]]`) ?? []
    );
  }

  #wrong(path: KeyPath, what: string): undefined {
    return this.context.error("acl.type_mismatch", this.places.of(path), {
      message: `"${path.at(-1)}" must be ${what}`,
    });
  }

  #known(table: TomlTable, keys: readonly string[], path: KeyPath): void {
    for (const key of Object.keys(table)) {
      if (keys.includes(key)) continue;
      const guess = nearest(key, keys);
      this.context.error("acl.syntax", this.places.of([...path, key]), {
        message: `unknown key ${JSON.stringify(key)}`,
        hint: guess === undefined ? `known here are ${keys.join(", ")}` : `did you mean "${guess}"?`,
      });
    }
  }
}

const spanOf = ({ start, end }: { start: number; end: number }) => ({ start, end });

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
