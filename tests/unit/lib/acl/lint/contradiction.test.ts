/** Comparisons that exclude each other. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "contradiction";

test.each([
  ["two hosts", `policy p { when host == "a" and host == "b" action allow }`, ['host == "b"']],
  ["in when and require", `policy p { when port == 1 require port == 2 action allow }`, ["port == 2"]],
  [
    "networks apart",
    `policy p { when dest.ip in 10.0.0.0/8 and dest.ip in 192.168.0.0/16 action allow }`,
    ["dest.ip in 192.168.0.0/16"],
  ],
  ["ranges apart", `policy p { when port > 100 and port < 50 action allow }`, ["port < 50"]],
  [
    "three numbers that leave nothing",
    `policy p { when port in [1, 5] and port in [1, 9] and port in [5, 9] action allow }`,
    ["port in [5, 9]"],
  ],
  [
    "a set and a host outside",
    `set s = ["a.test"]
policy p { when host in s and host == "b.test" action allow }`,
    ['host == "b.test"'],
  ],
  [
    "domains apart",
    `policy p { when host under "a.test" and host under "b.test" action allow }`,
    ['host under "b.test"'],
  ],
  [
    "a pattern and a host",
    `policy p { when host =~ "\\.a\\.test$" and host == "b.test" action allow }`,
    ['host == "b.test"'],
  ],
  [
    "said and denied",
    `policy p { when "ops" in client.ou and not ("ops" in client.ou) action allow }`,
    ['"ops" in client.ou'],
  ],
  ["one branch of an or", `policy p { when port == 1 or (host == "a" and host == "b") action allow }`, ['host == "b"']],
  ["under a not, by De Morgan", `policy p { when not (host != "a" or host != "b") action allow }`, ['host != "b"']],
  [
    "undefined and compared",
    `policy p { when not defined client.cn and client.cn == "a" action allow }`,
    ['client.cn == "a"'],
  ],
  [
    "days apart",
    `policy p { when weekday in ["mon-tue"] zone "UTC" and weekday in ["fri"] zone "UTC" action allow }`,
    ['weekday in ["fri"] zone "UTC"'],
  ],
  ["in a route", `route r { when host == "a" and host == "b" use ["x"] }`, ['host == "b"']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["alternatives", `policy p { when host == "a" or host == "b" action allow }`],
  ["two elements of one list", `policy p { when "a" in client.ou and "b" in client.ou action allow }`],
  ["a domain within another", `policy p { when host under "a.test" and host == "x.a.test" action allow }`],
  ["numbers that meet", `policy p { when port >= 10 and port <= 10 action allow }`],
  ["fractions between whole numbers", `policy p { when risk.score > 5 and risk.score < 6 action allow }`],
  [
    "hours of different zones",
    `policy p { when time in "08:00-09:00" zone "UTC" and time in "10:00-11:00" zone "Europe/Paris" action allow }`,
  ],
  ["different facts", `policy p { when host == "a" and tls.server_name == "b" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});
