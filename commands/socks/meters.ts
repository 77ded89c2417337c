/** What the access proxy measures where somebody may look: times of deciding, resolving and connecting. Without --status there is none. */
import type { Facts } from "../../lib/acl/facts.ts";
import type { Guard } from "../../lib/acl/guard.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import type { Router } from "../../lib/acl/routed.ts";
import type { DialError, Dialled, DialMeter } from "../../lib/net/dial.ts";
import { ResolveError, type Resolve } from "../../lib/net/resolve.ts";
import { Family } from "../../lib/service/metrics.ts";
import { Counter, Histogram, WAITS } from "../../lib/service/instruments.ts";

/** Upper bounds in seconds of one evaluation: a policy is asked in microseconds. */
const EVALUATIONS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2];

export class Meters implements DialMeter {
  readonly evaluation = new Histogram(EVALUATIONS);
  readonly dns = new Histogram(WAITS);
  readonly dnsErrors = new Family(["class"], () => new Counter());
  readonly dial = new Histogram(WAITS);
  readonly dialErrors = new Family(["class"], () => new Counter());
  /** Under way. */
  resolving = 0;
  dialling = 0;

  /** `policy` with each of its evaluations timed: two looks at the clock, about 0.1 µs. */
  timed(policy: Policy): Router {
    const { evaluation } = this;
    return {
      decide(facts: Facts, guard?: Guard) {
        const from = performance.now();
        const decision = policy.decide(facts, guard);
        evaluation.observe((performance.now() - from) / 1000);
        return decision;
      },
      decideBeforeResolution(facts) {
        const from = performance.now();
        const decision = policy.decideBeforeResolution(facts);
        evaluation.observe((performance.now() - from) / 1000);
        return decision;
      },
      routes: (facts) => policy.routes(facts),
      follow: (facts, decision, hop) => policy.follow(facts, decision, hop),
    };
  }

  /** `resolve` with its answers timed and its failures counted. */
  watched(resolve: Resolve): Resolve {
    return async (host) => {
      const from = performance.now();
      this.resolving++;
      try {
        return await resolve(host);
      } catch (error) {
        this.dnsErrors.with(error instanceof ResolveError ? error.kind : "failed").value++;
        throw error;
      } finally {
        this.resolving--;
        this.dns.observe((performance.now() - from) / 1000);
      }
    };
  }

  /** `outcome` with the time to it measured: of connections that were opened; the others are counted. */
  dialled(outcome: Dialled): Dialled {
    const from = performance.now();
    this.dialling++;
    return {
      opened: (conn) => {
        this.dialling--;
        this.dial.observe((performance.now() - from) / 1000);
        outcome.opened(conn);
      },
      failed: (error: DialError) => {
        this.dialling--;
        this.dialErrors.with(error.kind).value++;
        outcome.failed(error);
      },
    };
  }
}
