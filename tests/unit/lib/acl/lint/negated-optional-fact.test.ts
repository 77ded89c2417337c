/** Negations of facts that may be missing. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "negated-optional-fact";

test.each([
  ["a not", `policy p { when not (client.cn == "m") action allow }`, ['client.cn == "m"']],
  ["an unequal", `policy p { when client.user != "m" action allow }`, ['client.user != "m"']],
  ["not in a list", `policy p { when "m" not in user.groups action allow }`, ['"m" not in user.groups']],
  [
    "a server name",
    `policy p { when tls.server_name not under "a.test" action allow }`,
    ['tls.server_name not under "a.test"'],
  ],
  [
    "defined, but of another fact",
    `policy p { when defined client.user and client.cn != "m" action allow }`,
    ['client.cn != "m"'],
  ],
  ["defined behind", `policy p { when client.cn != "m" and defined client.cn action allow }`, ['client.cn != "m"']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["defined in front", `policy p { when defined client.cn and client.cn != "m" action allow }`],
  ["or not defined", `policy p { when not defined client.cn or client.cn != "m" action allow }`],
  ["compared before", `policy p { when client.cn =~ "^a" and client.cn != "am" action allow }`],
  ["defined in when, compared in require", `policy p { when defined client.cn require client.cn != "m" action allow }`],
  ["a fact that is always there", `policy p { when host != "a" and port != 25 action allow }`],
  ["a deny", `policy p { when client.cn != "admin" action deny }`],
  ["said positively", `policy p { when client.cn == "alice" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});
