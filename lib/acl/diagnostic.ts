/** What is wrong with a policy file, as data with a place. Not its text on a terminal (render.ts). */
import type { Source } from "./source.ts";

/** Stable codes; each is explained in GRAMMAR.md. */
export const CODES = [
  "acl.syntax",
  "acl.bad_character",
  "acl.unterminated_string",
  "acl.too_deep",
  "acl.too_many_errors",
  "acl.bad_encoding",
  "acl.unknown_fact",
  "acl.unknown_set",
  "acl.unknown_backend",
  "acl.unknown_policy",
  "acl.type_mismatch",
  "acl.list_comparison",
  "acl.number_range",
  "acl.bad_address",
  "acl.bad_pattern",
  "acl.bad_redirect",
  "acl.bad_time",
  "acl.bad_zone",
  "acl.bad_set_entry",
  "acl.duplicate_name",
  "acl.duplicate_clause",
  "acl.duplicate_fact",
  "acl.missing_action",
  "acl.missing_use",
  "acl.missing_expectation",
  "acl.include_cycle",
  "acl.read_failed",
  "acl.missing_space",
  "acl.host_never_matches",
] as const;

export type Code = (typeof CODES)[number];

export interface Diagnostic {
  readonly code: Code;
  readonly severity: "error" | "warning";
  /** Lower case, no final period, quotes what it names. */
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string | undefined;
  /** Beside the caret: a few words. */
  readonly label?: string | undefined;
  readonly file: string;
  /** Offsets in UTF-16 units; `end` is past the last. */
  readonly start: number;
  readonly end: number;
  /** Of `start`, from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Trouble {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly label?: string | undefined;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Collects diagnostics over all files of one load, and stops keeping them at `limit` errors. */
export class Diagnostics {
  readonly list: Diagnostic[] = [];
  #errors = 0;
  readonly #limit: number;

  constructor(limit = 100) {
    this.#limit = limit;
  }

  get failed(): boolean {
    return this.#errors > 0;
  }

  /** No more will be kept: the rest of the work may be left undone. */
  get full(): boolean {
    return this.#errors > this.#limit;
  }

  error(code: Code, source: Source, span: Span, trouble: Trouble): void {
    this.#errors++;
    if (this.#errors <= this.#limit) this.#add(code, "error", source, span, trouble);
    else if (this.#errors === this.#limit + 1) {
      this.#add("acl.too_many_errors", "error", source, span, {
        message: `more than ${this.#limit} errors; the rest is not shown`,
      });
    }
  }

  warning(code: Code, source: Source, span: Span, trouble: Trouble): void {
    if (this.list.length < 2 * this.#limit) this.#add(code, "warning", source, span, trouble);
  }

  #add(code: Code, severity: Diagnostic["severity"], source: Source, span: Span, trouble: Trouble): void {
    const place = { file: source.name, start: span.start, end: span.end, ...source.position(span.start) };
    this.list.push({ code, severity, ...trouble, ...place });
  }
}
