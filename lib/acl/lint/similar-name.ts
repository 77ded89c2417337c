/** `similar-name`: names of policies, routes, sets or backends that differ by case, a separator, a doubled or two swapped letters. */
import type { Item } from "../ast.ts";
import type { Rule } from "./engine/finding.ts";
import { similar, singled } from "./engine/similar.ts";
import type { Subject } from "./engine/subject.ts";

export const rule: Rule = {
  id: "similar-name",
  severity: "note",
  summary: "Two names look alike and are not the same",
  fixable: false,
  *check(subject) {
    for (const kind of ["policy", "route", "set", "backend"] as const) {
      for (const { one, like } of similar(namesOf(subject, kind), skeleton)) {
        const { file, start, end } = one;
        yield {
          file,
          start,
          end,
          message: `the ${kind} "${one.text}" is easily taken for "${like.text}"`,
          hint: "use one spelling, or names that differ more",
          label: `not "${like.text}"`,
        };
      }
    }
  },
};

interface Name {
  readonly text: string;
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

function* namesOf({ files }: Subject, kind: "policy" | "route" | "set" | "backend"): Iterable<Name> {
  for (const { source, items } of files)
    for (const item of items)
      for (const { text, start, end } of namesIn(item, kind)) yield { text, start, end, file: source.name };
}

function namesIn(item: Item, kind: string): readonly { text: string; start: number; end: number }[] {
  if (kind === "backend" && item.kind === "route")
    return item.clauses.flatMap((clause) =>
      clause.kind === "use" ? clause.backends.map(({ value, start, end }) => ({ text: value, start, end })) : [],
    );
  return item.kind === kind && "name" in item && "text" in item.name ? [item.name] : [];
}

const skeleton = (text: string): string => singled(text.toLowerCase().replace(/[-_]/g, ""));
