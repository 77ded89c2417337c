/** `redirect-denied`: a redirect to a place that this very policy set denies, or that leads back in a circle. */
import { factOf, TRUE } from "../evaluate.ts";
import type { Facts } from "../facts.ts";
import type { CheckedPolicy, RedirectTarget } from "../model.ts";
import type { Report, Rule } from "./engine/finding.ts";
import type { Subject } from "./engine/subject.ts";
import { type View, waysOf } from "./engine/ways.ts";

export const rule: Rule = {
  id: "redirect-denied",
  severity: "error",
  summary: "A redirect leads to a target that the policy denies",
  fixable: false,
  *check(subject) {
    const fates = new Fates(subject);
    for (const policy of subject.policies) {
      if (policy.action.kind !== "redirect") continue;
      const fate = fates.of(policy.action.target, []);
      if (fate !== undefined) yield reportOf(subject, policy, fate);
    }
  },
};

/** What certainly happens to a target: denied by a policy or by none, or sent round; undefined if it may be let in. */
type Fate = { readonly by: CheckedPolicy | undefined; readonly circle: boolean } | undefined;

class Fates {
  readonly #subject: Subject;
  readonly #known = new Map<string, Fate>();

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  of(target: RedirectTarget, before: readonly string[]): Fate {
    const key = `${target.host} ${target.port ?? ""}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const fate = this.#find(target, [...before, key]);
    if (before.length === 0) this.#known.set(key, fate);
    return fate;
  }

  #find({ host, port, ip }: RedirectTarget, path: readonly string[]): Fate {
    const known: Facts = { host, port, "dest.ip": ip };
    const view: View = (fact) => {
      const value = factOf(known, fact);
      return value === undefined ? undefined : { value };
    };
    const { policies, clauses, search } = this.#subject;
    const candidates = search.all(known, (i) => (waysOf(clauses[i]!, view) & TRUE) !== 0);
    if (candidates === undefined) return undefined;
    for (const i of candidates) {
      const policy = policies[i]!;
      const ways = waysOf(clauses[i]!, view);
      const { action } = policy;
      if (action.kind === "log") continue;
      if (action.kind === "allow" || (action.kind === "redirect" && ways !== TRUE)) return undefined;
      if (ways !== TRUE) continue;
      if (action.kind !== "redirect") return { by: policy, circle: false };
      const next = `${action.target.host} ${action.target.port ?? port ?? ""}`;
      if (path.includes(next) || path.length > 8) return { by: policy, circle: true };
      return this.of({ ...(port !== undefined && { port }), ...action.target }, path);
    }
    return { by: undefined, circle: false };
  }
}

function reportOf(subject: Subject, policy: CheckedPolicy, { by, circle }: NonNullable<Fate>): Report {
  const clause = subject.block(policy).clauses.find(({ kind }) => kind === "action");
  const action = clause?.kind === "action" ? clause.action : undefined;
  const { start, end } = action?.kind === "redirect" ? action.target : subject.name(policy);
  const who = by === undefined ? "no policy allows it" : by === policy ? "it leads to itself" : undefined;
  const why = who ?? `${subject.refer(by!, policy.place)} ${circle ? "leads back" : "denies it"}`;
  return {
    file: policy.place.file,
    start,
    end,
    message: `"${policy.name}" redirects to a target that is denied: ${why}`,
    hint: circle ? "leave the target out of the policy that redirects" : "allow the target",
    label: circle ? "leads back" : "denied",
  };
}
