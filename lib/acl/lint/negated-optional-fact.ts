/** `negated-optional-fact`: "is not" said of a fact that may be missing, where missing is not "is not" but the end. */
import type { FactName } from "../facts.ts";
import { storedFact } from "../facts.ts";
import { type Comparison, type Condition, factsOf } from "../model.ts";
import type { Rule } from "./engine/finding.ts";
import { at, quoted } from "./engine/walk.ts";

/** Facts that a request of the right command may lack all the same. */
const OPTIONAL =
  /^(client\.(user|cn|ou|dns|uri|email|spiffe|issuer|serial|pin|uid|gid)|tls\.(server_name|protocol_id|protocol_ids)|(header|user|device|geo|risk|challenge)\..+)$/;

export const rule: Rule = {
  id: "negated-optional-fact",
  severity: "warning",
  summary: "A negated comparison of a fact that may be missing does not let in who lacks it",
  fixable: false,
  *check(subject) {
    for (const [i, { action, place }] of subject.policies.entries()) {
      // Who lacks the fact is denied either way.
      if (action.kind === "deny") continue;
      const found: (Comparison & Condition)[] = [];
      walk(subject.clauses[i]!, new Set(), found);
      for (const comparison of found) {
        yield at(place, comparison, {
          message: `${quoted(subject, place, comparison)} is not true of a request without "${comparison.fact}": that one is denied`,
          hint: `write (not defined ${comparison.fact} or …) to let it in, defined ${comparison.fact} and … to leave it to later policies`,
          label: "denies where the fact is missing",
        });
      }
    }
  },
};

type Facts = ReadonlySet<FactName>;

/** Collects negated comparisons that may meet a missing fact; returns the facts that are there after a true and after a false. */
function walk(
  condition: Condition,
  present: Facts,
  found: (Comparison & Condition)[],
): { readonly yes: Facts; readonly no: Facts } {
  switch (condition.kind) {
    case "comparison": {
      if (condition.negated && OPTIONAL.test(condition.fact) && !present.has(condition.fact)) found.push(condition);
      const read = new Set([...present, ...factsOf(condition)]);
      return { yes: read, no: read };
    }
    case "defined": {
      const more = new Set([...present, storedFact(condition.fact)]);
      return condition.negated ? { yes: present, no: more } : { yes: more, no: present };
    }
    case "and":
    case "or": {
      const isAnd = condition.kind === "and";
      let on = present;
      let off: Facts | undefined;
      for (const item of condition.items) {
        const { yes, no } = walk(item, on, found);
        const stopped = isAnd ? no : yes;
        const before: Facts | undefined = off;
        off = before === undefined ? stopped : new Set([...before].filter((fact) => stopped.has(fact)));
        on = isAnd ? yes : no;
      }
      return isAnd ? { yes: on, no: off ?? present } : { yes: off ?? present, no: on };
    }
    default:
      return { yes: present, no: present };
  }
}
