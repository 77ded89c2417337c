/** `--where`: an expression of the access language over what a line records. Decides about lines only. */
import { loadPolicy } from "../../lib/acl/load.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { RecordedRequest, type DecisionLine } from "../../lib/acl/replay/record.ts";
import { renderDiagnostics } from "../../lib/acl/render.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { textOf, type AuditLine } from "./line.ts";

/** Lines of events that hold no request, and those that lack a fact which the expression comes to, do not match. */
export class Where {
  /** Lines that lack a fact. */
  lacking = 0;
  readonly #policy: Policy;

  /** Throws `PortailError` (`acl.invalid`, 64) for what is no expression. */
  constructor(expression: string) {
    const text = `policy where {\n  when ${expression}\n  action allow\n}\n`;
    const { policy, diagnostics, sources } = loadPolicy("--where", () => text);
    if (policy !== undefined && policy.policyCount === 1 && policy.routeCount === 0) {
      this.#policy = policy;
      return;
    }
    throw new PortailError("--where holds no expression of the access language", {
      code: "acl.invalid",
      exit: EXIT.usage,
      hint: `write what may stand behind "when", e.g. --where 'host under "example.com" and port == 443'`,
      detail: renderDiagnostics(diagnostics, sources),
    });
  }

  matches(line: AuditLine): boolean {
    if (typeof line["facts"] !== "object" || line["facts"] === null || textOf(line, "target") === undefined)
      return false;
    const facts = { ...new RecordedRequest(line as unknown as DecisionLine, this.#policy.mentions).facts };
    const dest = textOf(line, "dest")
      ?.replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1");
    const ip = dest === undefined ? undefined : parseIp(dest);
    const decision = this.#policy.decide(ip === undefined ? facts : { ...facts, "dest.ip": ip });
    if (decision.policy === "where" && decision.outcome === "allow") return true;
    if (decision.reason === "missing_fact") this.lacking++;
    return false;
  }
}
