/** Comments that tell lint to be quiet about a rule, with the reason. Not lint. */
import type { Comment } from "./ast.ts";
import type { Span } from "./diagnostic.ts";

export interface Suppression extends Span {
  /** Ids of the rules, in the order written. */
  readonly rules: readonly string[];
  /** Empty if none was given, which lint refuses. */
  readonly reason: string;
}

/** Reads `# lint-allow RULE[, RULE]: reason` (or with `//`) from comments; other comments are left out. */
export function suppressionsOf(comments: readonly Comment[]): Suppression[] {
  return comments.flatMap(({ text, start, end }) => {
    const found = /^(?:#|\/\/)\s*lint-allow\b\s*([^:]*)(?::(.*))?$/.exec(text);
    if (found === null) return [];
    const rules = found[1]!
      .split(",")
      .map((rule) => rule.trim())
      .filter((rule) => rule !== "");
    return [{ rules, reason: (found[2] ?? "").trim(), start, end }];
  });
}
