/** Patterns that let other domains in. */
import { expect, test } from "bun:test";
import { policyOf } from "../support.ts";
import { found, lintText } from "./support.ts";

const RULE = "unanchored-pattern";

test.each([
  ["open at the start", `policy p { when host =~ "corp\\.test$" action allow }`, ['host =~ "corp\\.test$"']],
  [
    "open at the end",
    `policy p { when host =~ "^wiki\\.corp\\.test" action allow }`,
    ['host =~ "^wiki\\.corp\\.test"'],
  ],
  ["open at both", `policy p { when host =~ "corp\\.test" action allow }`, ['host =~ "corp\\.test"']],
  ["in a negated deny", `policy p { when not (host =~ "corp\\.test$") action deny }`, ['host =~ "corp\\.test$"']],
  ["in a route", `route r { when host =~ "corp\\.test$" use ["x"] }`, ['host =~ "corp\\.test$"']],
  [
    "without regard to case",
    `policy p { when host =~ "(?i)corp\\.test$" action allow }`,
    ['host =~ "(?i)corp\\.test$"'],
  ],
  [
    "more than a text, without an end",
    `policy p { when host =~ "^web[0-9]+\\.corp" action allow }`,
    ['host =~ "^web[0-9]+\\.corp"'],
  ],
  [
    "server names too",
    `policy p { when tls.server_name =~ "corp\\.test$" action allow }`,
    ['tls.server_name =~ "corp\\.test$"'],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["whole hosts", `policy p { when host =~ "^(wiki|mail)\\.corp\\.test$" action allow }`],
  ["a domain and below", `policy p { when host =~ "(^|\\.)corp\\.test$" action allow }`],
  ["below a domain", `policy p { when host =~ "\\.corp\\.test$" action allow }`],
  ["behind a hyphen within the domain", `policy p { when host =~ "-dev\\.corp\\.test$" action allow }`],
  ["more than a text, with both ends", `policy p { when host =~ "^web[0-9]+\\.corp\\.test$" action allow }`],
  ["in a deny, where open is closed", `policy p { when host =~ "corp\\.test" action deny }`],
  ["beside a domain", `policy p { when host under "corp.test" and host =~ "^web" action allow }`],
  ["another fact", `policy p { when client.cn =~ "corp" action allow }`],
  ["a pattern for everything is told by another rule", `policy p { when host =~ ".*" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("the example that is shown is let in by the policy", () => {
  for (const pattern of ["corp\\.test$", "^wiki\\.corp\\.test", "corp\\.test"]) {
    const text = `policy p { when host =~ "${pattern}" action allow }`;
    const [finding] = lintText(text, { only: [RULE] });
    const host = finding!.label!.split(" ").at(-1)!;
    expect(host).toContain("evil");
    expect(policyOf(text).decide({ host })).toMatchObject({ outcome: "allow" });
  }
});
