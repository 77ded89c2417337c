/** All rules of lint, the severe ones first. Runs none. */
import type { Rule } from "./finding.ts";
import { rule as badSuppression } from "../bad-suppression.ts";
import { rule as constantCondition } from "../constant-condition.ts";
import { rule as contradiction } from "../contradiction.ts";
import { rule as denyAfterAllow } from "../deny-after-allow.ts";
import { rule as directExit } from "../direct-exit.ts";
import { rule as duplicatePolicy } from "../duplicate-policy.ts";
import { rule as guardRefuses } from "../guard-refuses.ts";
import { rule as hostNeverMatches } from "../host-never-matches.ts";
import { rule as hostSpelling } from "../host-spelling.ts";
import { rule as missingSpace } from "../missing-space.ts";
import { rule as negatedAddress } from "../negated-address.ts";
import { rule as negatedOptionalFact } from "../negated-optional-fact.ts";
import { rule as protocolFact } from "../protocol-fact.ts";
import { rule as redirectDenied } from "../redirect-denied.ts";
import { rule as redundantCondition } from "../redundant-condition.ts";
import { rule as redundantEntry } from "../redundant-entry.ts";
import { rule as requireFallThrough } from "../require-fall-through.ts";
import { rule as shadowedPolicy } from "../shadowed-policy.ts";
import { rule as similarHost } from "../similar-host.ts";
import { rule as similarName } from "../similar-name.ts";
import { rule as unanchoredPattern } from "../unanchored-pattern.ts";
import { rule as unavailableFact } from "../unavailable-fact.ts";
import { rule as unescapedDot } from "../unescaped-dot.ts";
import { rule as unreachablePolicy } from "../unreachable-policy.ts";
import { rule as unusedBackend } from "../unused-backend.ts";
import { rule as unusedRoute } from "../unused-route.ts";
import { rule as unusedSet } from "../unused-set.ts";
import { rule as unusedSuppression } from "../unused-suppression.ts";

/** The last of all: it asks what the others found. */
export const LAST: Rule = unusedSuppression;

export const RULES: readonly Rule[] = [
  denyAfterAllow,
  contradiction,
  unavailableFact,
  redirectDenied,
  guardRefuses,
  hostNeverMatches,
  badSuppression,
  unreachablePolicy,
  shadowedPolicy,
  duplicatePolicy,
  constantCondition,
  redundantCondition,
  redundantEntry,
  unanchoredPattern,
  unescapedDot,
  requireFallThrough,
  directExit,
  protocolFact,
  negatedOptionalFact,
  unusedSet,
  unusedRoute,
  unusedSuppression,
  negatedAddress,
  hostSpelling,
  similarName,
  similarHost,
  missingSpace,
  unusedBackend,
];

export const RULE_IDS: readonly string[] = RULES.map(({ id }) => id);
