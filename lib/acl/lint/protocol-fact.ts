/** `protocol-fact`: a fact that only one protocol of the access proxy has, asked for before the protocol is. */
import type { FactName } from "../facts.ts";
import type { Rule } from "./engine/finding.ts";
import { commandsOf, endsUnder, type Mode, providersOf } from "./engine/modes.ts";
import { at } from "./engine/walk.ts";

const isOfHttp = (fact: FactName): boolean =>
  fact === "method" || fact === "path" || fact === "query" || fact === "scheme" || fact.startsWith("header.");

const mode = (protocol: string, isAbsent: (fact: FactName) => boolean): Mode => ({
  known: { command: "socks", "proxy.protocol": protocol },
  lacks: (fact) => isAbsent(fact) || !providersOf(fact).includes("socks"),
});

const MODES: readonly (readonly [protocol: string, Mode, isAbsent: (fact: FactName) => boolean])[] = [
  ["SOCKS", mode("socks5", isOfHttp), isOfHttp],
  ["SOCKS", mode("socks4", isOfHttp), isOfHttp],
  ["HTTP", mode("http", (fact) => fact === "proxy.cmd"), (fact) => fact === "proxy.cmd"],
];

export const rule: Rule = {
  id: "protocol-fact",
  severity: "warning",
  summary: "A fact that only HTTP or only SOCKS requests have ends the others, denied",
  fixable: false,
  *check(subject) {
    if (!commandsOf(subject).includes("socks")) return;
    const reported = new Set<number>();
    for (const [protocol, mode, isAbsent] of MODES) {
      for (const { policy: i, part, fact, later } of endsUnder(subject, mode)) {
        // What the command as a whole lacks is unavailable-fact's.
        if (reported.has(i) || later === undefined || !isAbsent(fact)) continue;
        reported.add(i);
        const policy = subject.policies[i]!;
        yield at(policy.place, part, {
          message: `a ${protocol} request has no "${fact}": it is denied here, before ${subject.refer(subject.policies[later]!, policy.place)} is reached`,
          hint: `put proxy.protocol ${fact === "proxy.cmd" ? '!= "http"' : '== "http"'} and in front`,
          label: `missing on ${protocol}`,
        });
      }
    }
  },
};
