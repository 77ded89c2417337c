/** Requires that a later allow makes vain. */
import { expect, test } from "bun:test";
import { policyOf } from "../support.ts";
import { found, lintText } from "./support.ts";

const RULE = "require-fall-through";

test.each([
  [
    "an allow of everything behind",
    `policy pay { when host == "p" require client.auth == "tls" action allow }
policy all { action allow }`,
    ['client.auth == "tls"'],
  ],
  [
    "an allow of the domain behind",
    `policy pay { when host == "p.a.test" require client.cn == "alice" action allow }
policy a { when host under "a.test" action allow }`,
    ['client.cn == "alice"'],
  ],
  [
    "an allow by port behind",
    `policy pay { when host == "p" require client.auth == "tls" action allow }
policy web { when port in [80, 443] action allow }`,
    ['client.auth == "tls"'],
  ],
  [
    "a deny of something else between",
    `policy pay { when host == "p" require client.auth == "tls" action allow }
policy d { when host == "x" action deny }
policy all { action allow }`,
    ['client.auth == "tls"'],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "a deny between",
    `policy pay { when host == "p" require client.auth == "tls" action allow }
policy d { when host == "p" action deny }
policy all { action allow }`,
  ],
  [
    "a wider deny between",
    `policy pay { when host == "p.a.test" require client.auth == "tls" action allow }
policy d { when host under "a.test" action deny }
policy all { action allow }`,
  ],
  [
    "a second way to the same host",
    `policy pay { when host == "p" require client.cn == "alice" action allow }
policy root { when host == "p" and client.uid == 0 action allow }`,
  ],
  [
    "an allow that asks for the same fact",
    `policy pay { when host == "p" require port == 443 action allow }
policy web { when port in [80, 443] action allow }`,
  ],
  [
    "only a require",
    `policy pay { require client.auth == "tls" action allow }
policy all { action allow }`,
  ],
  ["nothing behind", `policy pay { when host == "p" require client.auth == "tls" action allow }`],
  [
    "a deny under every command between",
    `policy pay { when host == "p" require client.auth == "tls" action allow }
policy d { when host == "p" and command in ["socks", "tproxy", "tunnel", "mux", "s3crypt"] action deny }
policy all { action allow }`,
  ],
  [
    "a deny with a require",
    `policy pay { when host == "p" require client.auth == "none" action deny }
policy all { action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("what is told happens", () => {
  const text = 'policy pay { when host == "p" require client.auth == "tls" action allow }\npolicy all { action allow }';
  expect(lintText(text, { only: [RULE] })[0]!.message).toBe(
    'a request for p that fails this "require" goes on, and "all" (line 2) allows it',
  );
  expect(policyOf(text).decide({ host: "p", "client.auth": "none" })).toMatchObject({
    outcome: "allow",
    policy: "all",
  });
});
