/** Allows for addresses that stay closed. */
import { expect, test } from "bun:test";
import { ip, policyOf } from "../support.ts";
import { found } from "./support.ts";

const RULE = "guard-refuses";

test.each([
  ["a pattern of private addresses", `policy p { when host =~ "^10\\." action allow }`, ['host =~ "^10\\."']],
  [
    "a pattern that is one address",
    `policy p { when host =~ "^127\\.0\\.0\\.1$" and port == 1 action allow }`,
    ['host =~ "^127\\.0\\.0\\.1$"'],
  ],
  ["localhost by name", `policy p { when host == "localhost" action allow }`, ['host == "localhost"']],
  [
    "localhost among others",
    `policy p { when host in ["a.test", "dev.localhost"] action allow }`,
    ['host in ["a.test", "dev.localhost"]'],
  ],
  [
    "dest.ip inside a not",
    `policy p { when not (dest.ip not in 10.0.0.0/8) action allow }`,
    ["dest.ip not in 10.0.0.0/8"],
  ],
  ["in one branch", `policy p { when host =~ "^192\\.168\\." or port == 1 action allow }`, ['host =~ "^192\\.168\\."']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["named by address", `policy p { when dest.ip in 127.0.0.0/8 and host == "localhost" action allow }`],
  ["an address literal as host", `policy p { when host == "127.0.0.1" action allow }`],
  ["a private host by name", `policy p { when host == "nas.corp.test" action allow }`],
  ["a private pattern beside a name", `policy p { when host under "corp.test" and host =~ "^10\\." action allow }`],
  ["a deny", `policy p { when host =~ "^10\\." action deny }`],
  [
    "localhost, resolved by a backend",
    `route r { use ["b"] }
policy p { when host == "localhost" and route.local == false action allow }`,
  ],
  ["public addresses", `policy p { when host =~ "^203\\.0\\.113\\." action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("what is told happens, and what the hint says helps", () => {
  const guard = { own: [], resolvedBy: "us" } as const;
  const facts = { host: "127.0.0.1", port: 8080, "dest.ip": ip("127.0.0.1") };
  const closed = 'policy p { when host =~ "^127\\." action allow }';
  expect(found(RULE, closed)).not.toEqual([]);
  expect(policyOf(closed).decide(facts, guard)).toMatchObject({ outcome: "deny", reason: "guard" });
  const open = "policy p { when dest.ip in 127.0.0.0/8 action allow }";
  expect(found(RULE, open)).toEqual([]);
  expect(policyOf(open).decide(facts, guard)).toMatchObject({ outcome: "allow" });
});
