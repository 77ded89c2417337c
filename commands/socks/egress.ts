/** What the decisions of one policy need of the proxy. What changes without a load is asked for each time. */
import type { Guard } from "../../lib/acl/guard.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import type { Exits, Router } from "../../lib/acl/routed.ts";
import type { EgressContext } from "../../lib/net/egress.ts";
import type { Resolve } from "../../lib/net/resolve.ts";
import type { Proxy } from "./proxy.ts";

export class Egress implements EgressContext {
  readonly policy: Policy;
  /** The policy with its evaluations timed, where somebody may look. */
  readonly decider: Router | undefined;
  readonly resolve: Resolve;
  readonly #proxy: Proxy;

  constructor(proxy: Proxy, policy: Policy) {
    this.#proxy = proxy;
    this.policy = policy;
    this.decider = proxy.meters?.timed(policy);
    this.resolve = proxy.resolve;
  }

  get guard(): Guard {
    return this.#proxy.guard;
  }

  /** Undefined where every request goes out directly: then nobody asks. */
  get exits(): Exits | undefined {
    const { backends } = this.#proxy;
    return this.policy.routeCount > 0 || backends.default !== undefined ? backends : undefined;
  }
}
