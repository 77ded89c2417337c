/** Rules from flags and tables: what they mean, and what is refused, with its place. */
import { describe, expect, test } from "bun:test";
import { runArgs } from "../../../../commands/tproxy/flags.ts";
import { parseRules } from "../../../../commands/tproxy/rule-settings.ts";
import tproxy from "../../../../commands/tproxy/index.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import { emptyTables } from "../../../../lib/command/config-tables.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import type { ParsedArgs } from "../../../../lib/command/define.ts";

function parse(argv: readonly string[], toml = "") {
  const { values, tables } = parseConfig(toml, "t.toml", tproxy);
  const args = completeArgs(runArgs, vetArgv(argv, runArgs), values) as ParsedArgs<typeof runArgs>;
  return parseRules(args, { tables: toml === "" ? emptyTables() : tables });
}

function refusal(argv: readonly string[], toml = ""): string {
  try {
    parse(argv, toml);
    return "taken";
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

describe("flags alone", () => {
  test("are one rule for every name, at the reference's port", () => {
    const [rule, ...more] = parse([]);
    expect(more).toEqual([]);
    expect(rule).toMatchObject({ name: "default", names: [], users: [], ports: new Map([[8443, 443]]) });
  });

  test("take the reference's spelling, lists and repetitions", () => {
    const [rule] = parse(["--portMap", "8443:443,5432", "--port-map", "80:8080"]);
    expect(rule!.ports).toEqual(
      new Map([
        [8443, 443],
        [5432, 5432],
        [80, 8080],
      ]),
    );
  });

  test("--map is a rule for each name", () => {
    const rules = parse(["--map", "DB.example.com:5432", "--map", "www.example.com:8080:443", "--starttls", "mysql"]);
    expect(rules.map(({ name, ports, starttls }) => [name, [...ports], starttls])).toEqual([
      ["db.example.com", [[5432, 5432]], "mysql"],
      ["www.example.com", [[8080, 443]], "mysql"],
    ]);
  });

  test.each([
    [["--port-map", "0"], 'usage.value: --port-map: "0" is not in range'],
    [["--port-map", "1:2:3"], 'usage.value: --port-map: "1:2:3" is not PORT:PORT'],
    [["--port-map", "1,1:2"], "usage.conflict: --port-map has port 1 twice"],
    [["--map", "db.example.com"], 'usage.value: --map: "db.example.com" is not NAME:PORT'],
    [["--map", "10.0.0.1:5432"], 'usage.value: --map: "10.0.0.1:5432" is not NAME:PORT'],
    [["--map", "a:1", "--port-map", "1"], "usage.conflict: --map and --port-map exclude each other"],
    [["--starttls", "smtp"], 'usage.value: --starttls: "smtp" is not a value it takes'],
    [
      ["--verifier", "v.ts", "--verify-spki-pin", "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
      "usage.conflict: --verify-spki-pin and --verifier exclude each other",
    ],
  ])("%j is refused", (argv, expected) => {
    expect(refusal(argv)).toBe(expected);
  });
});

describe("tables", () => {
  test("inherit the flags, and have what is theirs", () => {
    const toml = `
port-map = "443"
override-server-name = "flags.example"
[[rule]]
name = ["a.example", "*.a.example"]
user = ["root", "7"]
group = "root"
cgroup = "/a.slice/"
target = "[2001:db8::1]:444"
identity = "one"
[[rule]]
name = "B.example"
address = ["198.18.0.1", "2001:DB8:0:0::2"]
port-map = "5432:15432"
override-server-name = "b.example"
`;
    const [one, two] = parse([], toml);
    expect(one).toMatchObject({
      name: "a.example",
      ports: new Map([[443, 443]]),
      users: [0, 7],
      groups: [0],
      cgroups: ["a.slice"],
      target: { host: "2001:db8::1", port: 444 },
      serverName: "flags.example",
      identity: "one",
    });
    expect(one!.names.map(({ text }) => text)).toEqual(["a.example", "*.a.example"]);
    expect(two).toMatchObject({
      name: "b.example",
      addresses: ["198.18.0.1", "2001:db8::2"],
      ports: new Map([[5432, 15432]]),
      serverName: "b.example",
    });
  });

  test.each([
    ['name = "*.a"\naddress = "198.18.0.1"', '[[rule]] "*.a": "address" needs one "name" without *'],
    ['address = "198.18.0.1"', '[[rule]] "rule-1": "address" needs one "name" without *'],
    ['name = "a"\naddress = "b"', '[[rule]] "a": "b" is no address'],
    ['name = "a/b"', '[[rule]] "a/b": "a/b" is no name'],
    ['name = "a"\ntarget = "b:c"', '[[rule]] "a": "target" "b:c" is not HOST or HOST:PORT'],
  ])("%j is refused", (rows, message) => {
    expect(refusal([], `[[rule]]\n${rows}\n`)).toBe(`config.rule: ${message}`);
  });

  test.each([
    ['user = "nobody-at-all"', '[[rule]] "rule-1": user: there is no user "nobody-at-all"'],
    ['group = "4294967295"', '[[rule]] "rule-1": group: there is no group "4294967295"'],
    ['cgroup = "/a/../b"', '[[rule]] "rule-1": cgroup: "/a/../b" is no path of a control group'],
  ])("%j is refused", (rows, message) => {
    expect(refusal([], `[[rule]]\n${rows}\n`)).toBe(`usage.value: ${message}`);
  });

  test("--map stands beside none", () => {
    expect(refusal(["--map", "a:1"], "[[rule]]\n")).toBe("usage.conflict: --map and [[rule]] exclude each other");
  });
});
