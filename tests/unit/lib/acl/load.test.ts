/** Loading what is no mistake: sets, includes and test blocks. */
import { describe, expect, test } from "bun:test";
import { joinPath, loadPolicy } from "../../../../lib/acl/load.ts";
import { type Files, policyOf, troubles } from "./support.ts";

describe("sets", () => {
  const decide = (text: string, files: Files, host: string) =>
    policyOf(
      `${text} policy p { when host in s action deny } policy u { when host under s action challenge "" } policy rest { action allow }`,
      files,
    ).decide({ host }).outcome;

  test("one entry a line, with comments, blank lines, CRLF, a byte order mark, capitals and dots", () => {
    const files = { "s.txt": "\ufeff# list\r\n\r\n  A.Test.  \r\nb.test # why\r\nbücher.example\n#c.test\nd.test" };
    for (const host of ["a.test", "b.test", "xn--bcher-kva.example", "d.test"])
      expect([host, decide('set s = lines "s.txt"', files, host)]).toEqual([host, "deny"]);
    expect(decide('set s = lines "s.txt"', files, "x.a.test")).toBe("challenge");
    expect(decide('set s = lines "s.txt"', files, "c.test")).toBe("allow");
  });

  test("a hosts file: names behind the address, but for those that every machine gives itself", () => {
    const files = {
      h: "127.0.0.1 localhost\n::1\tip6-localhost ip6-loopback\nfe80::1%lo0 localhost\n255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n0.0.0.0 ads.test  tracker.test # two\n",
    };
    for (const host of ["ads.test", "tracker.test"]) expect(decide('set s = hosts "h"', files, host)).toBe("deny");
    for (const host of ["localhost", "0.0.0.0", "ip6-localhost", "two"])
      expect(decide('set s = hosts "h"', files, host)).toBe("allow");
  });

  test("one set may serve several types, and stand below its use or in another file", () => {
    const policy = policyOf(
      'policy a { when host in s action deny } policy b { when client.cn in s action deny } policy c { when dest.ip in n action deny } policy d { action allow } set s = ["A.test"] include "n.acl"',
      { "n.acl": 'set n = lines "sub/n.txt"', "sub/n.txt": "10.0.0.0/8\n::1\n" },
    );
    const base = {
      host: "x",
      "client.cn": "x",
      "dest.ip": { family: 4, a: 0, b: 0, c: 0xffff, d: 0x08080808 },
    } as const;
    expect(policy.decide({ ...base, host: "a.test" }).policy).toBe("a");
    expect(policy.decide({ ...base, "client.cn": "A.test" }).policy).toBe("b");
    expect(policy.decide({ ...base, "client.cn": "a.test" }).policy).toBe("d");
    expect(policy.decide({ ...base, "dest.ip": { ...base["dest.ip"], d: 0x0a010203 } }).policy).toBe("c");
  });

  test.each([0, 3000])("hosts of a list are read whatever their spelling, with %d more", (more) => {
    const others = Array.from({ length: more }, (_, i) => `"h${i}.test"`);
    const spellings = ['"a.test"', '"B.Test."', 'e"c\\u{2e}test"', '"bücher.example"', "10.0.0.2", '"é"'];
    const list = `set s = [${[...spellings, ...others].join(", ")}]`;
    for (const host of ["a.test", "b.test", "c.test", "xn--bcher-kva.example", "10.0.0.2", "xn--9ca"])
      expect([host, decide(list, {}, host)]).toEqual([host, "deny"]);
    expect(decide(list, {}, "x.b.test")).toBe("challenge");
    expect(decide(list, {}, "d.test")).toBe("allow");
    expect(decide(list, {}, "h2999.test")).toBe(more > 0 ? "deny" : "allow");
  });

  test("an address in a hosts set is that host", () => {
    expect(decide('set s = ["10.0.0.1", 10.0.0.2]', {}, "10.0.0.2")).toBe("deny");
    expect(decide('set s = ["10.0.0.1"]', {}, "10.0.0.2")).toBe("allow");
  });
});

describe("includes", () => {
  test("items take the place of the include, and a file counts once", () => {
    const policy = policyOf(
      'policy first { when port == 1 action deny } include "x/b.acl" include "./x/../x/b.acl" policy last { action allow }',
      {
        "x/b.acl": 'include "c.acl" policy mid { when port == 2 action deny }',
        "x/c.acl": "policy inner { when port == 3 action deny }",
      },
    );
    expect(policy.policyNames).toEqual(["first", "inner", "mid", "last"]);
  });

  test("a cycle over several files is named", () => {
    const found = troubles('include "b.acl"', { "b.acl": 'include "c.acl"', "c.acl": '\ninclude "p.acl"' });
    expect(found).toMatchObject([
      {
        code: "acl.include_cycle",
        file: "c.acl",
        line: 2,
        label: "p.acl includes b.acl includes c.acl includes p.acl",
      },
    ]);
  });

  test("the reader is told who includes", () => {
    const asked: [string, string | undefined][] = [];
    loadPolicy("/etc/p/main.acl", (path, from) => {
      asked.push([path, from]);
      return path.endsWith("main.acl") ? 'include "../q/x.acl" include "/abs.acl"' : "";
    });
    expect(asked).toEqual([
      ["/etc/p/main.acl", undefined],
      ["/etc/q/x.acl", "/etc/p/main.acl"],
      ["/abs.acl", "/etc/p/main.acl"],
    ]);
  });

  test.each([
    ["a.acl", "b.acl", "b.acl"],
    ["x/a.acl", "b.acl", "x/b.acl"],
    ["x/a.acl", "../b.acl", "b.acl"],
    ["a.acl", "../b.acl", "../b.acl"],
    ["../a.acl", "../b.acl", "../../b.acl"],
    ["/a.acl", "../../b.acl", "/b.acl"],
    ["/x/y/a.acl", "./z//b.acl", "/x/y/z/b.acl"],
    ["x/a.acl", "/b.acl", "/b.acl"],
    ["x/a.acl", "builtin:sample", "builtin:sample"],
  ])("from %s, %s is %s", (from, path, joined) => expect(joinPath(from, path)).toBe(joined));
});

describe("test blocks", () => {
  test("are read with their types, cases added to what is given", () => {
    const policy = policyOf(`policy a { action allow }
test "t" {
  given { host = "A.test" port = 443, client.ip = 10.0.0.1 client.ou = ["x"] now = "2026-01-01T00:00Z" resolves = [10.0.0.1, ::1] }
  expect allow by a
  case { port = 80 } expect deny by default explain "t.html"
  case "named" { header.X-Y = "z" } expect redirect to "b.test:8443" via ["b1"] logged [a] missing method
}`);
    const given = {
      host: "a.test",
      port: 443,
      "client.ip": { family: 4, a: 0, b: 0, c: 0xffff, d: 0x0a000001 },
      "client.ou": ["x"],
      now: Date.UTC(2026, 0, 1),
    };
    expect(policy.program.tests).toMatchObject([
      { name: "t", given, expect: { outcome: "allow", by: "a" }, resolves: [{ family: 4 }, { family: 6, d: 1 }] },
      { name: "t: 1", given: { ...given, port: 80 }, expect: { outcome: "deny", by: "default", explain: "t.html" } },
      {
        name: "t: named",
        given: { ...given, "header.x-y": "z" },
        expect: {
          outcome: "redirect",
          to: { host: "b.test", port: 8443 },
          via: ["b1"],
          logged: ["a"],
          missing: "method",
        },
      },
    ]);
    const { file, start } = policy.program.tests[1]!.place;
    expect(policy.program.sources.get(file)!.position(start)).toEqual({ line: 5, column: 3 });
  });
});
