/** What a provider may set, and which values count. */
import { describe, expect, test } from "bun:test";
import { NOTHING, parseTarget, valuesOf, type Target } from "../../../../lib/context/targets.ts";

describe("parseTarget()", () => {
  test.each([
    ["user.groups = groups", { fact: "user.groups", type: "strings", from: "groups" }],
    ["device.managed=/device/managed", { fact: "device.managed", type: "boolean", from: "/device/managed" }],
    [" user.department =  cost centre ", { fact: "user.department", type: "any", from: "cost centre" }],
    ["challenge.mfa = mfa", { fact: "challenge.mfa", type: "boolean", from: "mfa" }],
    ["user.email = a = b", { fact: "user.email", type: "string", from: "a = b" }],
  ])("%s", (text, target) => {
    expect(parseTarget(text, false)).toEqual(target as Target);
  });

  test("a program names facts itself", () => {
    expect(parseTarget("risk.score", true)).toEqual({ fact: "risk.score", type: "number", from: "risk.score" });
    expect(parseTarget("risk.score = x", true)).toMatchObject({ error: expect.stringContaining("says more") });
  });

  test.each([
    ["client.user = x", /is not a fact to set/],
    ["host = x", /is not a fact to set/],
    ["header.x = x", /is not a fact to set/],
    ["user. = x", /is not a fact to set/],
    ["user = x", /is not a fact to set/],
    ["user..x = x", /is not a fact to set/],
    ["", /is not a fact to set/],
    ["user.groups", /does not say where/],
    ["user.groups =", /does not say where/],
  ])("%j is refused", (text, why) => {
    expect(parseTarget(text, false)).toMatchObject({ error: expect.stringMatching(why) });
  });

  test("the nearest fact is named", () => {
    expect(parseTarget("usr.groups = x", false)).toMatchObject({ hint: expect.stringContaining("user.groups") });
  });
});

test("valuesOf() takes what has the type of its fact, and nothing else", () => {
  const given: [text: string, value: unknown, taken: boolean][] = [
    ["user.groups = x", ["a"], true],
    ["user.groups = x", "a", false],
    ["user.groups = x", ["a", 1], false],
    ["user.email = x", "a@b", true],
    ["user.email = x", 1, false],
    ["device.managed = x", false, true],
    ["device.managed = x", "true", false],
    ["geo.asn = x", 64_500, true],
    ["geo.asn = x", "64500", false],
    ["risk.score = x", Number.NaN, false],
    ["user.level = x", 3, true],
    ["user.level = x", "three", true],
    ["user.level = x", { deep: 1 }, false],
    ["user.level = x", [["a"]], false],
  ];
  for (const [text, value, taken] of given) {
    const refused: unknown[] = [];
    const target = parseTarget(text, false) as Target;
    const values = valuesOf(
      [target],
      () => value,
      (_target, what) => refused.push(what),
    );
    expect({ text, value, values }).toEqual({
      text,
      value,
      values: taken ? { [target.fact]: value } : NOTHING,
    } as never);
    expect(refused).toEqual(taken ? [] : [value]);
  }
});

test("what is absent or null is missing, and no mistake", () => {
  const target = parseTarget("user.email = x", false) as Target;
  const refused: unknown[] = [];
  for (const value of [undefined, null]) {
    expect(
      valuesOf(
        [target],
        () => value,
        (_target, what) => refused.push(what),
      ),
    ).toBe(NOTHING);
  }
  expect(refused).toEqual([]);
});
