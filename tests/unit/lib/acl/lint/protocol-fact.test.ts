/** Facts that only one protocol has. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "protocol-fact";

test.each([
  [
    "of HTTP",
    `policy m { when method == "PUT" action deny }
policy a { when host == "a" action allow }`,
    ['method == "PUT"'],
  ],
  [
    "a header",
    `policy m { when header.user-agent =~ "bot" action deny }
policy a { action allow }`,
    ['header.user-agent =~ "bot"'],
  ],
  [
    "of SOCKS",
    `policy m { when proxy.cmd == "tcp_connect" action allow }
policy a { when host == "a" action allow }`,
    ['proxy.cmd == "tcp_connect"'],
  ],
  [
    "the protocol asked for too late",
    `policy m { when method == "PUT" and proxy.protocol == "http" action deny }
policy a { action allow }`,
    ['method == "PUT"'],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "the protocol first",
    `policy m { when proxy.protocol == "http" and method == "PUT" action deny }
policy a { when host == "a" action allow }`,
  ],
  [
    "the others excluded",
    `policy m { when proxy.protocol not in ["socks4", "socks5"] and method == "PUT" action deny }
policy a { action allow }`,
  ],
  [
    "a host first, and nothing else about it",
    `policy m { when host == "b" and defined method and method == "PUT" action deny }
policy a { action allow }`,
  ],
  [
    "nothing behind that could be let in",
    `policy a { when host == "a" action allow }
policy m { when method == "PUT" action allow }`,
  ],
  [
    "a policy that only s3crypt knows the facts of",
    `policy m { when method == "PUT" and s3.bucket == "b" action deny }
policy a { when s3.bucket == "c" action allow }`,
  ],
  [
    "decided before",
    `policy s { when proxy.protocol != "http" action allow }
policy m { when method == "PUT" action deny }
policy a { action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("a policy of another command is left alone", () => {
  const text = 'policy m { when method == "PUT" action deny }\npolicy a { action allow }';
  expect(found(RULE, text, { commands: ["s3crypt"] })).toEqual([]);
  expect(found(RULE, text, { commands: ["socks"] })).toEqual(['method == "PUT"']);
});
