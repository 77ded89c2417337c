/** How each command has a request decided: with the address guard, or where it leads does not hang on the client. */
import { expect, test } from "bun:test";
import type { Command } from "../../../../lib/acl/facts.ts";
import type { Guard } from "../../../../lib/acl/guard.ts";
import { decideAsCommand } from "../../../../lib/acl/routed.ts";
import { ip, policyOf } from "./support.ts";

const guard: Guard = { own: [], resolvedBy: "us" };
const policy = policyOf("policy p { when port == 443 action allow }");

test.each<[Command, string]>([
  ["socks", "deny guard"],
  ["mux", "deny guard"],
  ["tproxy", "allow policy"],
  ["tunnel", "allow policy"],
])("%s, to a private address: %s", (command, expected) => {
  const facts = { command, host: "a.example", port: 443, "dest.ip": ip("10.0.0.1") };
  const settled = decideAsCommand(facts, policy, guard).next();
  const { outcome, reason } = settled.done ? settled.value.decision : { outcome: "resolve", reason: "" };
  expect(`${outcome} ${reason}`).toBe(expected);
});
