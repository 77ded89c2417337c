/** Which key finds a clause: the rarest, and none where only evaluation can tell. */
import { expect, test } from "bun:test";
import { Choice } from "../../../../../lib/acl/compile/choice.ts";
import { compileClause } from "../../../../../lib/acl/compile/normalise.ts";
import { policyOf } from "../support.ts";

function keysOf(...conditions: string[]): string[] {
  const text = conditions.map((condition, i) => `policy p${i} { when ${condition} action deny }`).join("\n");
  const clauses = policyOf(text).program.policies.map(({ when, require }) => compileClause(when, require));
  const choice = new Choice(clauses);
  return clauses.map((clause) => {
    const access = choice.best(clause);
    return access === undefined
      ? "always"
      : `${access.keys.map(({ kind, fact }) => `${fact} ${kind}`).join(" | ")} / ${access.reads.join(" ")}`;
  });
}

test("of several keys, the kind that finds fewest", () => {
  expect(keysOf('port == 443 and host == "a.test"')).toEqual(["host names / port host"]);
  expect(keysOf('method == "GET" and dest.ip in [10.0.0.0/8]')).toEqual(["dest.ip networks / method dest.ip"]);
  expect(keysOf('route.local == true and "ops" in client.ou')).toEqual(["client.ou holds / route.local client.ou"]);
});

test("a key that many clauses share loses to one that few do", () => {
  const shared = Array.from({ length: 20 }, (_, i) => `host == "a.test" and client.user == "u${i}"`);
  expect(keysOf(...shared)).toEqual(shared.map(() => "client.user names / host client.user"));
});

test("patterns that are texts are keys, and so is a domain at the end of others", () => {
  expect(keysOf('host =~ "^a\\.test$"', 'host =~ "(^|\\.)a\\.test$"', 'host =~ "^[0-9]+\\.a\\.test$"')).toEqual(
    Array(3).fill("host names / host"),
  );
  expect(keysOf('host =~ "a"', 'host =~ "^a"', 'host =~ "[0-9]$"', 'path =~ "\\.a$"')).toEqual(Array(4).fill("always"));
});

test("an `or` is found by the keys of all its operands, or not at all", () => {
  expect(keysOf('host == "a.test" or port == 22 and method == "GET"')).toEqual([
    "host names | port values / host port",
  ]);
  expect(keysOf('host == "a.test" or port > 22')).toEqual(["always"]);
  expect(keysOf('not (host != "a.test" and port != 22)')).toEqual(["host names | port values / host port"]);
});

test("negations and facts of any type are no keys", () => {
  expect(
    keysOf('host != "a.test"', "defined host", 'user.role == "x"', "true == true", "host == tls.server_name"),
  ).toEqual(Array(5).fill("always"));
  expect(keysOf("true == false")).toEqual([" / "]);
});
