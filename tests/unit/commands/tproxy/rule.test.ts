/** Which rule takes a connection: by port, name, user, group and control group; and what is not clear. */
import { describe, expect, test } from "bun:test";
import { chooseRule, type Client, type RuleMatch } from "../../../../commands/tproxy/rule.ts";
import { compileDnsGlob } from "../../../../lib/identity/name-glob.ts";

function rule(name: string, more: Partial<Omit<RuleMatch, "names">> & { names?: readonly string[] } = {}): RuleMatch {
  const { names = [], ...rest } = more;
  const ports = new Map([[8443, 443]]);
  return {
    name,
    ports,
    passthrough: false,
    users: [],
    groups: [],
    cgroups: [],
    names: names.map(compileDnsGlob),
    ...rest,
  };
}

function choose(
  rules: readonly RuleMatch[],
  hosts: readonly string[],
  client?: Client,
  port = 8443,
  fake = false,
): string {
  const choice = chooseRule(rules, port, hosts, client, fake);
  return "reason" in choice ? choice.reason : `${choice.rule.name} ${choice.host}`;
}

const program = (more: object) => ({ pid: 1, gid: 7, groups: [7, 8], cgroup: "/a.slice/b.service", ...more });

describe("names", () => {
  const rules = [rule("first", { names: ["a.example"] }), rule("wild", { names: ["*.example"] })];

  test("the first that takes the name", () => {
    expect(choose(rules, ["a.example"])).toBe("first a.example");
    expect(choose(rules, ["b.example"])).toBe("wild b.example");
    expect(choose([rule("all")], ["c.test"])).toBe("all c.test");
  });

  test("several names are clear only where rules know one of them", () => {
    expect(choose(rules, ["x.test", "a.example"])).toBe("first a.example");
    expect(choose(rules, ["b.example", "a.example"])).toBe("ambiguous_name");
    const unclear = chooseRule(rules, 8443, ["b.example", "x.test", "a.example"], undefined, false);
    expect(unclear).toMatchObject({ names: ["b.example", "a.example"] });
    expect(choose(rules, ["x.test"])).toBe("no_rule");
    expect(choose(rules, [])).toBe("unknown_name");
  });
});

test("the port, which the rules for other ports do not make ambiguous", () => {
  const rules = [rule("web", { names: ["a.example"] }), rule("db", { ports: new Map([[5432, 5432]]) })];
  expect(choose(rules, ["a.example", "b.example"])).toBe("web a.example");
  expect(choose(rules, ["a.example"], undefined, 5432)).toBe("db a.example");
  expect(choose(rules, ["a.example"], undefined, 80)).toBe("no_rule");
});

test("a rule that lets pass takes every port of a stand-in, and no other", () => {
  const rules = [rule("pass", { names: ["*.example"], passthrough: true }), rule("web")];
  expect(choose(rules, ["a.example"], undefined, 80, true)).toBe("pass a.example");
  expect(choose(rules, ["a.example"], undefined, 80, false)).toBe("no_rule");
  expect(choose(rules, ["a.test"], undefined, 80, true)).toBe("no_rule");
});

describe("clients", () => {
  const rules = [
    rule("user", { users: [1, 2] }),
    rule("group", { groups: [8] }),
    rule("cgroup", { cgroups: ["a.slice"] }),
    rule("both", { users: [5], cgroups: ["c.slice/d.service"] }),
  ];

  test.each([
    ["user a", { uid: 2 }],
    ["group a", { uid: 3, process: program({}) }],
    ["cgroup a", { uid: 3, process: program({ groups: [7] }) }],
    ["cgroup a", { uid: 3, process: program({ groups: [7], cgroup: "/a.slice" }) }],
    ["no_rule", { uid: 3, process: program({ groups: [7], cgroup: "/a.slices/b" }) }],
    ["no_rule", { uid: 3 }],
    ["both a", { uid: 5, process: program({ groups: [], cgroup: "/c.slice/d.service/e" }) }],
    ["no_rule", { uid: 6, process: program({ groups: [], cgroup: "/c.slice/d.service" }) }],
    ["no_rule", { uid: 5, process: program({ groups: [], cgroup: undefined }) }],
    ["client_unknown", undefined],
  ])("%s", (expected, client) => {
    expect(choose(rules, ["a"], client as Client | undefined)).toBe(expected);
  });

  test("a client that is not known is taken where no rule asks", () => {
    expect(choose([...rules, rule("any")], ["a"])).toBe("any a");
  });
});
