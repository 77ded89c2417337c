/** Decisions of policies, counted by outcome and by the policy that decided. Decides nothing. */
import type { Decision } from "../acl/decision.ts";
import { Counter } from "./instruments.ts";
import { Family, type Registry } from "./metrics.ts";

/** As in the tests of policies, where it names the denial at the end. */
const DEFAULT = "default";

export class DecisionCounts {
  readonly #outcomes = new Family(["outcome"], () => new Counter());
  readonly #policies = new Family(["policy"], () => new Counter());

  /** Undefined where no policy was asked. */
  decided(decision: Decision | undefined): void {
    if (decision === undefined) return;
    this.#outcomes.with(decision.outcome).value++;
    this.#policies.with(decision.policy ?? DEFAULT).value++;
  }

  /** Under the names that every command has them. */
  register(registry: Registry): void {
    registry.members("decisions_total", "Decisions of policies, by outcome", "counter", () =>
      this.#outcomes.instruments(),
    );
    registry.members("policy_decisions_total", "The same by policy; default is the denial at the end", "counter", () =>
      this.#policies.instruments(),
    );
  }
}
