/** What the process was told, as values: capture, names, identities of rules, the reference's flags; and what is refused. */
import { describe, expect, test } from "bun:test";
import { runArgs } from "../../../../commands/tproxy/flags.ts";
import { parseLed } from "../../../../commands/tproxy/led-settings.ts";
import { applyReference } from "../../../../commands/tproxy/reference.ts";
import { parseRules } from "../../../../commands/tproxy/rule-settings.ts";
import { parseCapture, parseNames, sourcesOf } from "../../../../commands/tproxy/settings.ts";
import tproxy from "../../../../commands/tproxy/index.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import type { ParsedArgs } from "../../../../lib/command/define.ts";
import { formatCidr } from "../../../../lib/wire/ip.ts";

function given(argv: readonly string[], toml = "") {
  const { values, tables } = parseConfig(toml, "t.toml", tproxy);
  const args = completeArgs(runArgs, vetArgv(argv, runArgs), values) as ParsedArgs<typeof runArgs>;
  return { args, tables, rules: parseRules(args, { tables }) };
}

function codeOf(look: () => unknown): string {
  try {
    look();
    return "taken";
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

describe("capture", () => {
  const capture = (...argv: string[]) => {
    const { args, rules } = given(argv);
    return parseCapture(args, rules);
  };

  test("is of everybody to the ports of all rules", () => {
    expect(capture("--map", "a.example:5432", "--map", "b.example:80:443")).toEqual({
      instance: undefined,
      listenPort: 1019,
      mark: 0x706f7274,
      ports: [80, 5432],
      destinations: [],
      users: [],
      groups: [],
      cgroups: [],
      exemptUsers: [],
      ranges: [],
      dns: undefined,
    });
  });

  test("has the whole range of stand-ins where names are led there, or ports let pass", () => {
    const texts = ({ ranges }: ReturnType<typeof capture>) => ranges.map(formatCidr);
    expect(texts(capture("--passthrough"))).toEqual(["198.18.0.0/15", "fd70:6f72:7461::/48"]);
    expect(texts(capture("--dns-port", "53", "--fake-range", "240.0.0.0/8"))).toEqual(["240.0.0.0/8"]);
    expect(capture("--dns-port", "5300", "--capture-dns").dns).toEqual({ port: 5300, ownUser: process.getuid!() });
  });

  test.each([
    [["--instance", "A b"], 'usage.value: --instance: "A b" is no name of an instance'],
    [["--mark", "0"], 'usage.value: --mark: "0" is no mark'],
    [["--mark", "0x1ffffffff"], 'usage.value: --mark: "0x1ffffffff" is no mark'],
    [["--listen-port", "65536"], 'usage.value: --listen-port: "65536" is not in range'],
    [["--capture-to", "10.0.0.1/8"], 'usage.value: --capture-to: "10.0.0.1/8" is no network'],
    [["--capture-user", "nobody-at-all"], 'usage.value: --capture-user: there is no user "nobody-at-all"'],
    [["--capture-dns"], "usage.missing: --capture-dns needs --dns-port"],
  ])("%j is refused", (argv, expected) => {
    expect(codeOf(() => capture(...argv))).toBe(expected);
  });
});

test("hosts files are the system's, unless others are named", () => {
  expect(parseNames(given([]).args).hosts).toEqual(["/etc/hosts"]);
  expect(parseNames(given(["--hosts", "a", "--hosts", "b"]).args).hosts).toEqual(["a", "b"]);
});

describe("names that are led", () => {
  const led = (...argv: string[]) => {
    const { args, rules } = given(argv);
    return parseLed(args, rules);
  };

  test("are those that rules take", () => {
    expect(led()).toBeUndefined();
    const one = led("--dns-port", "5300", "--map", "db.example.com:5432")!;
    expect([one.match("db.example.com"), one.match("other.example.com")]).toEqual(["here", undefined]);
    expect(led("--dns-port", "5300")!.match("other.example.com")).toBe("if real");
    expect(one.listen[0]).toEqual({ kind: "tcp", host: "127.0.0.1", port: 5300 });
  });

  test.each([
    [["--dns-upstream", "192.0.2.53"], "usage.missing: --dns-upstream needs --dns-port"],
    [["--dns-state", "x"], "usage.missing: --dns-state needs --dns-port"],
  ])("%j is refused", (argv, expected) => {
    expect(codeOf(() => led(...argv))).toBe(expected);
  });
});

describe("identities", () => {
  const TABLES = `
keystore = "own.pem"
crl = "list.crl"
[identity.one]
keystore = "one.pem"
[trust.two]
cacert = "two.pem"
`;
  const sources = (row: string, toml = TABLES) => {
    const { args, tables, rules } = given([], `${toml}\n[[rule]]\n${row}\n`);
    return sourcesOf(rules[0]!, args, { tables });
  };

  test("are the rule's, or those of the flags", () => {
    expect(sources("")).toMatchObject({ identity: { keystore: "own.pem" }, trust: { cacert: [], crl: ["list.crl"] } });
    expect(sources('identity = "one"\ntrust = "two"')).toMatchObject({
      identity: { keystore: "one.pem" },
      trust: { cacert: ["two.pem"], crl: [] },
    });
    expect(sources("disable-authentication = true").identity).toBeUndefined();
  });

  const PIN = 'verify-spki-pin = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="';

  test.each([
    ['identity = "two"', TABLES, "config.rule: there is no table [identity.two]"],
    ['name = "a.example"', "", 'tproxy.no_identity: there is no certificate to present for "a.example"'],
    [PIN, TABLES, "usage.conflict: --crl and --verify-spki-pin exclude each other"],
  ])("%j is refused", (row, toml, expected) => {
    expect(codeOf(() => sources(row, toml))).toBe(expected);
  });
});

test("the reference's flags are taken where they mean what is done, and refused where not", () => {
  const levels: unknown[] = [];
  const log = { configure: (options: object) => void levels.push(options) } as unknown as Parameters<
    typeof applyReference
  >[1];
  const apply = (...argv: string[]) => codeOf(() => applyReference(given(argv).args, log));
  expect(apply("--certCheckerPlugin", "san_verifier", "--logLevel", "trace")).toBe("taken");
  expect(levels).toEqual([{ level: "debug" }]);
  expect(apply("--certCheckerPlugin", "mine")).toBe('usage.value: --certCheckerPlugin: there is no plugin "mine"');
  expect(apply("--logLevel", "loud")).toBe('usage.value: --logLevel: "loud" is not a value it takes');
});
