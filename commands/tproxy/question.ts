/** What a verifier is asked about the server of a connection. */
import type { FactName } from "../../lib/acl/facts.ts";
import { auditFacts } from "../../lib/audit/event.ts";
import type { Question } from "../../lib/identity/verifier.ts";
import type { Server } from "../../lib/net/upstream.ts";
import type { Arrival } from "./arrival.ts";
import { sessionFacts } from "./facts.ts";

/** No fact of a transparent proxy is a secret. */
export function questionOf({ peer, chain, serverName }: Server, arrival: Arrival): Question {
  const { dns, ip, uri, email, subject } = peer;
  const facts = sessionFacts(arrival, undefined);
  return {
    chain,
    names: { dns, ip, uri, email },
    subject,
    serverName,
    facts: auditFacts(facts, Object.keys(facts) as FactName[], (value) => value),
  };
}
