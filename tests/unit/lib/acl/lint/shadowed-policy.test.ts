/** Policies whose requests an earlier one has decided. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "shadowed-policy";
const FILES = { s: "a.test\nb.test\n" };

test.each([
  [
    "a domain over a host",
    `policy w { when host under "a.test" action allow }
policy n { when host == "x.a.test" action allow }`,
    ["n"],
  ],
  [
    "a pattern over a host",
    `policy w { when host =~ "(^|\\.)a\\.test$" action allow }
policy n { when host == "x.a.test" and port == 1 action allow }`,
    ["n"],
  ],
  [
    "a network over one within",
    `policy w { when dest.ip in 10.0.0.0/8 action allow }
policy n { when dest.ip in [10.1.0.0/16, 10.2.0.0/16] action allow }`,
    ["n"],
  ],
  [
    "an or that holds all of a list",
    `policy w { when host == "a" or host == "b" action allow }
policy n { when host in ["a", "b"] action allow }`,
    ["n"],
  ],
  [
    "a range over numbers",
    `policy w { when port >= 1024 action allow }
policy n { when port in [8080, 9000-9010] action redirect "x:80" }
policy o { action allow }`,
    ["n"],
  ],
  [
    "a negation over a value",
    `policy w { when port != 25 action allow }
policy n { when port == 443 action allow }`,
    ["n"],
  ],
  [
    "when and require together",
    `policy w { when port == 1 require host == "a" action allow }
policy n { when host == "a" and port == 1 and client.cn == "c" action allow }`,
    ["n"],
  ],
  [
    "a large set of a file",
    `set s = lines "s"
policy w { when host in s action allow }
policy n { when host == "b.test" action allow }`,
    ["n"],
  ],
  [
    "a deny behind a deny",
    `policy w { when host under "a.test" action deny }
policy n { when host == "a.test" action deny }`,
    ["n"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text, {}, FILES)).toEqual(expected);
});

test.each([
  [
    "the narrow one first",
    `policy n { when host == "x.a.test" action allow }
policy w { when host under "a.test" action allow }`,
  ],
  [
    "one more condition in the wide one",
    `policy w { when host under "a.test" and port == 1 action allow }
policy n { when host == "x.a.test" action allow }`,
  ],
  [
    "a name that only ends alike",
    `policy w { when host under "a.test" action allow }
policy n { when host == "xa.test" action allow }`,
  ],
  [
    "several that cover only together",
    `policy a { when port < 100 action allow }
policy b { when port >= 100 action allow }
policy n { when host == "x" action allow }`,
  ],
  [
    "a log in front",
    `policy w { when host under "a.test" action log }
policy n { when host == "x.a.test" action allow }`,
  ],
  [
    "another fact",
    `policy w { when tls.server_name == "a" action allow }
policy n { when host == "a" action allow }`,
  ],
  [
    "upper case is another text where it is no host",
    `policy w { when client.cn == "A" action allow }
policy n { when client.cn == "a" action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text, {}, FILES)).toEqual([]);
});
