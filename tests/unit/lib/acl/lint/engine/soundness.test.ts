/** What lint concludes holds for every request, and what it fixes decides as before: random policies against random requests. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { evaluate, FALSE, TRUE, Trouble } from "../../../../../../lib/acl/evaluate.ts";
import type { Facts } from "../../../../../../lib/acl/facts.ts";
import { fixPolicy } from "../../../../../../lib/acl/lint/engine/fix.ts";
import { implies, isNeverFalse, isNeverTrue } from "../../../../../../lib/acl/lint/engine/implies.ts";
import { lint } from "../../../../../../lib/acl/lint/engine/lint.ts";
import { type Loaded, Subject } from "../../../../../../lib/acl/lint/engine/subject.ts";
import { Suppressions } from "../../../../../../lib/acl/lint/engine/suppressions.ts";
import { witness } from "../../../../../../lib/acl/lint/engine/witness.ts";
import type { Condition } from "../../../../../../lib/acl/model.ts";
import { Random } from "../../../../../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "../../random.ts";
import { loadText } from "../../support.ts";

const SETS = process.env["PORTAIL_LONG"] ? 20_000 : 600;
/** Fixing loads a set several times over. */
const FIXED_SETS = SETS / 3;
const REQUESTS = 40;
/** There are many of them. */
setDefaultTimeout(process.env["PORTAIL_LONG"] ? 1_200_000 : 60_000);
const FILES = { "names.txt": NAMES };

function loadedOf(text: string): Loaded {
  const loaded = loadText(text, FILES);
  if (loaded.policy === undefined) throw new Error(`${JSON.stringify(loaded.diagnostics)}\n${text}`);
  return loaded;
}

const subjectOf = (text: string): Subject => new Subject(loadedOf(text), {}, new Suppressions([], [], () => false));

const trouble = new Trouble();
const waysOf = (condition: Condition, facts: Facts): number => evaluate(condition, facts, false, trouble);

describe("of random policies", () => {
  test("what is said to follow, to be impossible or to be certain is so", () => {
    const counts = { follows: 0, never: 0, always: 0, covered: 0, examples: 0 };
    for (let seed = 0; seed < SETS; seed++) {
      const random = new Random(seed);
      const subject = subjectOf(randomPolicy(random));
      const { clauses, policies, policy } = subject;
      const requests = Array.from({ length: REQUESTS }, () => randomFacts(random));
      const everTrue = clauses.map((clause) => requests.filter((facts) => waysOf(clause, facts) === TRUE));
      for (const [i, clause] of clauses.entries()) {
        if (isNeverTrue(clause)) {
          counts.never++;
          expect(everTrue[i]).toEqual([]);
        }
        if (isNeverFalse(clause)) {
          counts.always++;
          expect(requests.filter((facts) => waysOf(clause, facts) === FALSE)).toEqual([]);
        }
        const example = witness([clause], subject.unlikely);
        if (example !== undefined) {
          counts.examples++;
          expect(waysOf(clause, example)).toBe(TRUE);
          expect(isNeverTrue(clause)).toBe(false);
        }
        for (const [j, other] of clauses.entries()) {
          if (i === j || !implies(clause, other)) continue;
          counts.follows++;
          const against = everTrue[i]!.filter((facts) => waysOf(other, facts) === FALSE);
          if (example !== undefined && waysOf(other, example) === FALSE) against.push(example);
          expect(against).toEqual([]);
        }
        if (subject.coveredBy(i) === undefined) continue;
        counts.covered++;
        for (const facts of example === undefined ? requests : [...requests, example]) {
          const decision = policy.decide(facts);
          expect(decision.policy === policies[i]!.name && decision.reason === "policy").toBe(false);
        }
      }
    }
    // Without many of each the test would say little.
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(SETS / 20);
  });

  test("a redirect that is said to be denied never ends in an allow", () => {
    let reported = 0;
    let followed = 0;
    for (let seed = 0; seed < SETS; seed++) {
      const random = new Random(seed + 2_000_000);
      const loaded = loadedOf(randomPolicy(random));
      const { policy } = loaded;
      const doomed = lint(loaded, { only: ["redirect-denied"] }).map(({ message }) => message.split('"')[1]!);
      reported += doomed.length;
      for (let i = 0; doomed.length > 0 && i < REQUESTS; i++) {
        let facts: Facts = randomFacts(random);
        let decision = policy.decide(facts);
        if (decision.outcome !== "redirect" || !doomed.includes(decision.policy!)) continue;
        followed++;
        for (let hop = 1; decision.outcome === "redirect"; hop++) {
          const next = policy.follow(facts, decision, hop);
          if ("decision" in next) decision = next.decision;
          else {
            facts = { "dest.ip": randomFacts(random)["dest.ip"], ...next.facts };
            decision = policy.decide(facts);
          }
        }
        expect([seed, decision.outcome]).not.toEqual([seed, "allow"]);
      }
    }
    expect(Math.min(reported, followed)).toBeGreaterThan(SETS / 20);
  });

  test("--fix changes no decision, early ones and routes included, and leaves nothing to fix", () => {
    let changed = 0;
    for (let seed = 0; seed < FIXED_SETS; seed++) {
      const random = new Random(seed + 1_000_000);
      const text = spoil(randomPolicy(random), random);
      const read = (path: string): string => (path === "p.acl" ? text : NAMES);
      const after = fixPolicy("p.acl", read, {}, {}).texts.get("p.acl");
      if (after === undefined) continue;
      changed++;
      const [old, now] = [loadedOf(text), loadedOf(after)];
      expect(lint(now).filter(({ fix }) => fix !== undefined)).toEqual([]);
      for (let i = 0; i < REQUESTS; i++) {
        const facts = randomFacts(random);
        const guard = { own: [], resolvedBy: random.chance(2) ? "us" : "backend" } as const;
        const { "dest.ip": _, ...unresolved } = facts;
        const [before, afterwards] = [old.policy, now.policy].map((policy) => [
          policy.decide(facts, guard),
          policy.routes(facts),
          policy.decideBeforeResolution(unresolved),
        ]);
        if (!Bun.deepEquals(before, afterwards)) expect(afterwards).toEqual(before);
      }
    }
    expect(changed).toBeGreaterThan(FIXED_SETS / 2);
  });
});

/** Adds what can be fixed: repeated operands and entries, constants, copies of policies, spellings, glued words, comments. */
function spoil(text: string, random: Random): string {
  const spoilt = text
    .replace(/(\((?:[^()]|\([^()]*\))*\)) (and|or) /g, (all, one: string, word: string) =>
      random.chance(3) ? `${one} ${word} ${one} ${word} ` : all,
    )
    .replace(/ (and|or) \(/g, (all, word: string) => {
      if (!random.chance(3)) return all;
      return random.chance(2) ? ` ${word} (true == true)${all}` : ` ${word} 1 > 2 ${word} (`;
    })
    .replace(/\[("[^\]]*")\]/g, (all, items: string) => (random.chance(3) ? `[${items}, ${items}]` : all))
    .replace(/host == "([a-z.]+)"/g, (all, host: string) =>
      random.chance(3) ? `host == "${host.toUpperCase()}."` : all,
    )
    .replace(/not \(/g, (all) => (random.chance(3) ? "not(" : all))
    .replace(/ require /g, (all) => (random.chance(6) ? " # why\n require " : all));
  const copies = [...spoilt.matchAll(/^policy (p\d) (.*\})$/gm)].filter(() => random.chance(3));
  return `${spoilt}\n${copies.map(([, name, rest]) => `policy copy_${name} ${rest}`).join("\n")}`;
}
