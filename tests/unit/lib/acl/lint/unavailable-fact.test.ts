/** Facts that a command never gives, with and without a guard. */
import { expect, test } from "bun:test";
import { policyOf } from "../support.ts";
import { found, lintText } from "./support.ts";

const RULE = "unavailable-fact";

test.each([
  [
    "without guards, the one that keeps the other from being reached",
    `policy web { when port == 443 action allow }
policy up { when s3.operation == "PutObject" action allow }`,
    ["port == 443"],
  ],
  [
    "named by a guard elsewhere",
    `policy web { when port == 443 action allow }
policy up { when command == "s3crypt" and s3.operation == "PutObject" action allow }`,
    ["port == 443"],
  ],
  [
    "a guard that comes too late",
    `policy web { when port == 443 and command == "socks" action allow }
policy up { when command == "s3crypt" and s3.operation == "PutObject" action allow }`,
    ["port == 443"],
  ],
  [
    "facts of two commands in one condition",
    `policy p { when port == 443 and s3.operation == "PutObject" action allow }`,
    ['s3.operation == "PutObject"'],
  ],
  ["route.local in a route", `route r { when route.local == true use ["x"] }`, ["route.local == true"]],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "guards in front",
    `policy web { when command == "socks" and port == 443 action allow }
policy up { when command == "s3crypt" and s3.operation == "PutObject" action allow }`,
  ],
  [
    "a guard by a list",
    `policy web { when command in ["socks", "tproxy"] and port == 443 action allow }
policy up { when command == "s3crypt" and s3.operation == "PutObject" action allow }`,
  ],
  [
    "a guard by exclusion",
    `policy web { when command == "s3crypt" or port == 443 action deny }
policy up { when command == "s3crypt" and s3.operation == "PutObject" action allow }`,
  ],
  [
    "defined in front",
    `policy web { when defined port and port == 443 action allow }
policy up { when defined s3.operation and s3.operation == "PutObject" action allow }`,
  ],
  [
    "one command that knows all",
    `policy a { when port == 443 action allow }
policy b { when proxy.cmd == "tcp_connect" action allow }
policy c { when host == "a" action allow }`,
  ],
  [
    "nothing behind that could be let in",
    `policy up { when command == "s3crypt" and s3.operation == "PutObject" action allow }
policy web { when port == 443 action allow }`,
  ],
  [
    "decided before",
    `policy s { when command == "s3crypt" action allow }
policy web { when port == 443 action allow }
policy late { when host == "a" action allow }`,
  ],
  ["a policy about decisions", `policy p { when decision.outcome == "deny" and port == 443 action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("with --command, every fact that the command lacks is told", () => {
  const text = 'policy up { when s3.operation == "PutObject" action allow }';
  expect(found(RULE, text, { commands: ["socks"] })).toEqual(['s3.operation == "PutObject"']);
  expect(found(RULE, text, { commands: ["s3crypt"] })).toEqual([]);
});

test("the message says under which command, which fact, and what is never reached", () => {
  const text =
    'policy web { when port == 443 action allow }\npolicy up { when s3.operation == "PutObject" action allow }';
  const [finding] = lintText(text, { only: [RULE] });
  expect(finding!.message).toBe(
    'under "s3crypt" there is no fact "port": every request that comes here is denied, before "up" (line 2) is reached',
  );
  expect(finding!.hint).toBe('put command in ["socks", "tproxy", "tunnel", "mux"] and in front');
});

test("what is told happens: under the command the later policy is never reached", () => {
  const web = "policy web { when port == 443 action allow }";
  const up = 'policy up { when s3.operation == "PutObject" action allow }';
  const facts = { command: "s3crypt", "s3.operation": "PutObject" } as const;
  expect(policyOf(`${web}\n${up}`).decide(facts)).toMatchObject({ outcome: "deny", missing: "port" });
  const guarded = `${web.replace("when", 'when command == "socks" and')}\n${up.replace("when", 'when command == "s3crypt" and')}`;
  expect(policyOf(guarded).decide(facts)).toMatchObject({ outcome: "allow", policy: "up" });
  expect(policyOf(guarded).decide({ command: "socks", port: 443 })).toMatchObject({ outcome: "allow", policy: "web" });
});
