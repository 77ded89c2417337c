/** `unavailable-fact`: a fact that the command which asks never gives, so that every request ends there, denied. */
import type { FactName } from "../facts.ts";
import type { Report, Rule } from "./engine/finding.ts";
import { commandMode, COMMANDS, commandsOf, endsUnder, mayMiss, partReading, providersOf } from "./engine/modes.ts";
import type { Subject } from "./engine/subject.ts";
import { at, comparisonsOf } from "./engine/walk.ts";

export const rule: Rule = {
  id: "unavailable-fact",
  severity: "error",
  summary: "A command that uses the policy never gives a fact that it asks for, and denies there",
  fixable: false,
  *check(subject) {
    yield* inRoutes(subject);
    // A policy about decisions is asked by no command.
    if (subject.policy.mentions.some((fact) => fact.startsWith("decision."))) return;
    yield* inNoCommand(subject);
    const reported = new Set<number>();
    for (const command of commandsOf(subject)) {
      for (const { policy: i, part, fact, later } of endsUnder(subject, commandMode(command))) {
        if (reported.has(i) || (later === undefined && subject.options.commands === undefined)) continue;
        reported.add(i);
        const policy = subject.policies[i]!;
        const rest =
          later === undefined ? "" : `, before ${subject.refer(subject.policies[later]!, policy.place)} is reached`;
        yield at(policy.place, part, {
          message: `under "${command}" there is no fact "${fact}": every request that comes here is denied${rest}`,
          hint: guardHint(fact),
          label: `never there under ${command}`,
        });
      }
    }
  },
};

const guardHint = (fact: FactName): string =>
  `put ${
    providersOf(fact).length === 1
      ? `command == "${providersOf(fact)[0]}"`
      : `command in [${providersOf(fact)
          .map((one) => `"${one}"`)
          .join(", ")}]`
  } and in front`;

/** While routes are chosen it is not known yet whether one is used. */
function* inRoutes({ routes, routeClauses }: Subject): Iterable<Report> {
  for (const [i, { place }] of routes.entries()) {
    const part = [...comparisonsOf(routeClauses[i]!)].find(({ fact }) => fact === "route.local");
    if (part === undefined) continue;
    yield at(place, part, {
      message: 'there is no fact "route.local" while routes are chosen: the request is denied',
      hint: "ask for it in policies",
      label: "never there",
    });
  }
}

/** Conditions that ask for facts of different commands. */
function* inNoCommand({ policies, clauses }: Subject): Iterable<Report> {
  for (const [i, { name, place }] of policies.entries()) {
    const missing = COMMANDS.map((command) => mayMiss(clauses[i]!, commandMode(command)));
    const fact = missing.find((one) => one !== undefined && providersOf(one).length > 0);
    if (fact === undefined || missing.includes(undefined)) continue;
    const [other] = missing.filter((one) => one !== fact && one !== undefined);
    yield at(place, partReading(clauses[i]!, fact), {
      message: `no command gives all facts of "${name}": "${fact}" is given by ${providersOf(fact).join(", ")} only${other === undefined ? "" : `, "${other}" by ${providersOf(other).join(", ")}`}`,
      hint: "make a policy for each command, and begin it with command ==",
      label: "never there with the others",
    });
  }
}
