/** An operator's page or text with places for what a refusal tells: `{{host}}`. Values are made harmless here; reads no file. */
import { EXIT, PortailError } from "../command/errors.ts";
import { nearest } from "../command/nearest.ts";
import { TEXT_TYPE, type RefusalBody } from "./http-refusal.ts";
import { HTML_TYPE, pageFields, TOLD_NAMES, type Told } from "./refusal-page.ts";
import { escapeHtml, visible } from "./visible.ts";

/** Characters of one value. */
const MOST = 2000;

export class PageTemplate {
  readonly #kind: "html" | "text";
  /** Text as it stands and names in turn, beginning with text. */
  readonly #parts: readonly string[];

  private constructor(kind: "html" | "text", parts: readonly string[]) {
    this.#kind = kind;
    this.#parts = parts;
  }

  /**
   * `file` names it in errors. What does not look like `{{name}}` is text, so that styles keep their braces. Throws
   * `PortailError` (`template.unknown`) for a name that is none of `TOLD_NAMES`.
   */
  static parse(text: string, kind: "html" | "text", file: string): PageTemplate {
    const parts = text.split(/\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}/);
    for (let i = 1; i < parts.length; i += 2) checkName(parts[i]!, file);
    return new PageTemplate(kind, parts);
  }

  /** Every value is one line, visible, and in HTML escaped. A page runs no script and loads nothing from elsewhere. */
  write(told: Told): RefusalBody {
    const html = this.#kind === "html";
    const value = (name: string) => {
      const text = visible(told[name as keyof Told], MOST);
      return html ? escapeHtml(text) : text;
    };
    const body = this.#parts.map((part, i) => (i % 2 === 0 ? part : value(part))).join("");
    if (!html) return { type: TEXT_TYPE, body };
    return { type: HTML_TYPE, body, headers: pageFields("'unsafe-inline'", "data:") };
  }
}

function checkName(name: string, file: string): void {
  if (TOLD_NAMES.some((known) => known === name)) return;
  const near = nearest(name, TOLD_NAMES);
  throw new PortailError(`the template ${JSON.stringify(file)} has a place for "${name}", which is not known`, {
    code: "template.unknown",
    exit: EXIT.badData,
    hint:
      near === undefined
        ? `use ${TOLD_NAMES.map((known) => `{{${known}}}`).join(", ")}`
        : `did you mean {{${near}}}? Without braces it is text`,
  });
}
