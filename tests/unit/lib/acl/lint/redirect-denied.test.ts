/** Redirects to targets that are denied, or that lead back. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "redirect-denied";

test.each([
  [
    "nothing allows the target",
    `policy r { when host == "a" action redirect "b" }
policy o { when host == "c" action allow }`,
    ['"b"'],
  ],
  [
    "a deny of the target",
    `policy r { when host == "a" action redirect "b:1" }
policy d { when port == 1 action deny }
policy o { action allow }`,
    ['"b:1"'],
  ],
  [
    "in a circle of one",
    `policy r { when host under "a.test" action redirect "www.a.test" }
policy o { action allow }`,
    ['"www.a.test"'],
  ],
  [
    "in a circle of two",
    `policy r { when host == "a" action redirect "b" }
policy s { when host == "b" action redirect "a" }
policy o { action allow }`,
    ['"b"', '"a"'],
  ],
  [
    "over another redirect",
    `policy r { when host == "a" action redirect "b" }
policy s { when host == "b" action redirect "c" }
policy o { when host == "d" action allow }`,
    ['"b"', '"c"'],
  ],
  [
    "an address",
    `policy r { when host == "a" action redirect "10.0.0.1" }
policy d { when dest.ip in 10.0.0.0/8 action deny }
policy o { action allow }`,
    ['"10.0.0.1"'],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "allowed by name",
    `policy r { when host == "a" action redirect "b" }
policy o { when host == "b" action allow }`,
  ],
  [
    "allowed for some",
    `policy r { when host == "a" action redirect "b" }
policy o { when host == "b" and client.cn == "alice" action allow }`,
  ],
  [
    "allowed where a fact is defined",
    `policy r { when host == "a" action redirect "b" }
policy o { when defined client.cn action allow }`,
  ],
  [
    "denied for some only",
    `policy r { when host == "a" action redirect "b" }
policy d { when host == "b" and port == 25 action deny }
policy o { action allow }`,
  ],
  [
    "the port that was asked for",
    `policy r { when host == "a" action redirect "b" }
policy o { when port == 443 action allow }`,
  ],
  [
    "over another redirect to what is allowed",
    `policy r { when host == "a" action redirect "b" }
policy s { when host == "b" action redirect "c" }
policy o { when host == "c" action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});
