/** One table of the configuration, whose values are made of text here: what is wrong with one is told with its file and line. */
import { FACTS, type Command, type FactSpec } from "../acl/facts.ts";
import type { TableRow } from "../command/config-tables.ts";
import type { Config } from "../command/define.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import { nearest } from "../command/nearest.ts";
import { parseChoice, parseDuration, parseInteger, parseSize } from "../command/values.ts";

type Row = TableRow<"provider">;
/** Keys with one text as their value. */
type TextKey = { [K in keyof Row]: Row[K] extends string | undefined ? K : never }[keyof Row];

export class TableReader {
  readonly name: string;
  readonly row: Row;
  readonly #place: Config["place"];

  constructor(name: string, row: Row, place: Config["place"]) {
    this.name = name;
    this.row = row;
    this.#place = place;
  }

  has(key: keyof Row): boolean {
    const value = this.row[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  }

  duration(key: TextKey, fallback: string, min = 0): number {
    return this.#in(key, () => parseDuration(key, this.row[key] ?? fallback, { min }));
  }

  integer(key: TextKey, fallback: string, min: number, max: number): number {
    return this.#in(key, () => parseInteger(key, this.row[key] ?? fallback, { min, max }));
  }

  size(key: TextKey, fallback: string, min: number, max: number): number {
    return this.#in(key, () => parseSize(key, this.row[key] ?? fallback, { min, max }));
  }

  choice<const T extends string>(key: TextKey, choices: readonly T[]): T {
    return this.#in(key, () => parseChoice(key, this.row[key] ?? "", choices));
  }

  /** One character of ASCII that is no quote and no end of a line. */
  character(key: TextKey, fallback: string): string {
    const text = this.row[key] ?? fallback;
    if (/^[\t -!#-~]$/.test(text)) return text;
    throw this.refuse(key, "provider.character", `${key}: ${JSON.stringify(text)} is not one character`);
  }

  /** A name that is no fact, or none that `command` knows. */
  unknownFact(key: keyof Row, name: string, command: Command): PortailError {
    const known = Object.entries<FactSpec>(FACTS).filter(([, { commands }]) => commands.includes(command));
    const near = nearest(
      name,
      known.map(([fact]) => fact),
    );
    const message = `${JSON.stringify(name)} is no fact that ${command} knows`;
    return this.refuse(key, "provider.fact", message, near === undefined ? undefined : `did you mean ${near}?`);
  }

  refuse(key: keyof Row, code: string, message: string, hint?: string): PortailError {
    const text = `${this.#where(key)}[provider.${this.name}]: ${message}`;
    return new PortailError(text, { code, exit: EXIT.config, ...(hint !== undefined && { hint }) });
  }

  /** Tables come from a file, but in tests. */
  #where(key: keyof Row): string {
    return this.#place === undefined ? "" : `${this.#place(["provider", this.name, key])}: `;
  }

  /** What lib/command/values.ts refuses is told with its place. */
  #in<T>(key: keyof Row, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof PortailError)) throw error;
      throw this.refuse(key, "provider.value", error.message, error.hint);
    }
  }
}
