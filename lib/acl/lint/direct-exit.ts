/** `direct-exit`: an allow that also lets out directly what a route sends to a backend. */
import type { Facts } from "../facts.ts";
import { factsOf } from "../model.ts";
import type { Rule } from "./engine/finding.ts";
import type { Subject } from "./engine/subject.ts";
import { witness } from "./engine/witness.ts";

export const rule: Rule = {
  id: "direct-exit",
  severity: "warning",
  summary: "What a route sends to a backend may also leave directly when no backend can be used",
  fixable: false,
  *check(subject) {
    const { policies, routes, clauses } = subject;
    const asks = clauses.map((clause) => factsOf(clause).includes("route.local"));
    const reported = new Set<number>();
    for (const [r, route] of routes.entries()) {
      const start = witness([subject.routeClauses[r]!]);
      if (start === undefined) continue;
      const open = (i: number): boolean => policies[i]!.action.kind === "allow" && !asks[i] && !reported.has(i);
      for (const i of subject.search.find(start, 0, policies.length, open)) {
        const example = exampleOf(subject, r, i);
        if (example === undefined) continue;
        reported.add(i);
        const { host = "what it matches" } = example;
        yield {
          ...subject.name(policies[i]!),
          message: `"${policies[i]!.name}" lets out ${host} directly when no backend of route ${subject.refer(route, policies[i]!.place)} is used`,
          hint: 'add "require route.local == false", or say route.local == true where a direct exit is meant',
          label: "does not ask route.local",
        };
      }
    }
  },
};

/** A request of the route that the policy lets out without a backend. */
function exampleOf(subject: Subject, route: number, index: number): Facts | undefined {
  const others: Facts = { ...subject.unlikely, "route.local": true };
  const example = witness([subject.routeClauses[route]!, subject.clauses[index]!], others);
  if (example === undefined) return undefined;
  const { outcome, policy } = subject.policy.decide(example);
  return outcome === "allow" && policy === subject.policies[index]!.name ? example : undefined;
}
