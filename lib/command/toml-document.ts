/** A configuration file as TOML: its values, and errors that name their line. Knows no key. */
import { parse, TomlError, type TomlTable } from "smol-toml";
import { EXIT, PortailError } from "./errors.ts";
import { lineOf, type KeyPath } from "./toml-line.ts";

export class TomlDocument {
  readonly document: TomlTable;
  readonly #text: string;
  readonly #file: string;

  /** `file` names it in messages. Throws PortailError (78) for what is no TOML. */
  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    try {
      this.document = parse(text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
      const options = { code: "config.syntax", exit: EXIT.config, detail: error.codeblock } as const;
      throw new PortailError(`${file}:${error.line}:${error.column}: ${reason}`, options);
    }
  }

  /** `FILE:LINE` of a key, or of what is left of it in the file; `_` in a key equals `-`. */
  place(path: readonly string[]): string {
    const written: string[] = [];
    let within: unknown = this.document;
    for (const key of path) {
      const keys: string[] = typeof within === "object" && within !== null ? Object.keys(within) : [];
      const name = keys.find((each) => each === key || each.replaceAll("_", "-") === key);
      if (name === undefined) break;
      written.push(name);
      within = (within as Record<string, unknown>)[name];
    }
    return this.#at(written);
  }

  /** An error at the line of `path`, as it is written. */
  refuse(path: KeyPath, code: string, message: string, hint?: string): PortailError {
    return new PortailError(`${this.#at(path)}: ${message}`, { code, exit: EXIT.config, ...(hint && { hint }) });
  }

  #at(path: KeyPath): string {
    return `${this.#file}:${lineOf(this.#text, path)}`;
  }
}
