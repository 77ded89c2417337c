/** What lint says about a policy, as data with a place, and what a rule is. Not its text in any format. */
import type { Span } from "../../diagnostic.ts";
import type { Subject } from "./subject.ts";

/** In rising order. */
export const SEVERITIES = ["note", "warning", "error"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Replaces `[start, end)` of a file by `text`. */
export interface Edit extends Span {
  readonly text: string;
}

/** What a rule found. */
export interface Report extends Span {
  readonly file: string;
  /** Lower case, no final period, quotes what it names. */
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string | undefined;
  /** Beside the caret: a few words. */
  readonly label?: string | undefined;
  /** An edit of `file` that takes the finding away and changes no decision. */
  readonly fix?: Edit | undefined;
}

export interface Finding extends Report {
  readonly rule: string;
  readonly severity: Severity;
  /** Of `start`, from 1; columns count code points. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** The reason of the comment that suppresses it. */
  readonly suppressed?: string | undefined;
}

export interface Rule {
  /** Stable; the name of its file and of its page. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence without a final period. */
  readonly summary: string;
  /** Some of its findings carry a fix. */
  readonly fixable: boolean;
  /** Never reports what is not so: what cannot be shown is left out. */
  check(subject: Subject): Iterable<Report>;
}

/** Where a rule is explained, from the root of the project. */
export const pageOf = (rule: string): string => `docs/acl/lint/${rule}.md`;
