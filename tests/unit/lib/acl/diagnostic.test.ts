/** Mistakes in policies: every error code with its place and hint, and several in one run. */
import { describe, expect, test } from "bun:test";
import { CODES } from "../../../../lib/acl/diagnostic.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { type Files, loadText, policyOf, troubles } from "./support.ts";

const when = (condition: string) => `policy p { when ${condition} action allow }`;

/** Code, text with the place between « and », a piece of the message or hint. */
const CASES: [string, string, string, Files?][] = [
  ["acl.syntax", "policy p { «whn» port == 1 action deny }", 'did you mean "when"?'],
  ["acl.syntax", "«polcy» p { action deny }", 'did you mean "policy"?'],
  ["acl.syntax", "policy p { action «alow» }", 'did you mean "allow"?'],
  ["acl.syntax", "policy p { when port «=» 1 action deny }", 'equality is "=="'],
  ["acl.syntax", "policy p { when route.local «action» deny }", 'write "route.local == true"'],
  ["acl.syntax", "policy «p» { action deny", "no closing"],
  ["acl.syntax", "policy p { action deny } «}»", "closes nothing"],
  ["acl.syntax", "policy «a.b» { action deny }", "names are letters"],
  ["acl.syntax", 'set s = «"a"»', "expected a list"],
  ["acl.syntax", when('host == e"«\\q»"'), "the escapes are"],
  ["acl.syntax", "route r { use [«b1»] }", "in double quotes"],
  ["acl.syntax", 'test "t" { given { host = «a.test» } expect deny }', "in double quotes"],
  ["acl.syntax", 'test "t" { expect «alow» }', 'did you mean "allow"?'],
  ["acl.syntax", when("port not «==» 1"), '"in" or "under" after "not"'],
  ["acl.bad_character", "policy p { «%» action deny }", "has no meaning"],
  ["acl.unterminated_string", 'policy p { action deny explain-template=«"»abc }', "no closing quote"],
  ["acl.unknown_fact", when('«hots» == "a"'), 'did you mean "host"?'],
  ["acl.unknown_fact", when('«tls.sni» == "a"'), '"tls.server_name"'],
  ["acl.unknown_fact", when("«user» == 1"), '"user.name"'],
  ["acl.unknown_fact", when("defined «nothing_like_it»"), "lists the facts"],
  ["acl.unknown_fact", when("«header» == 1"), "header.NAME"],
  ["acl.unknown_fact", 'test "t" { given { «prot» = 1 } expect deny }', 'did you mean "port"?'],
  ["acl.unknown_set", `set blocked = ["a"] ${when("host in «blokced»")}`, 'did you mean "blocked"?'],
  ["acl.unknown_set", when("host under «corp»"), "define it"],
  ["acl.unknown_policy", 'policy guard { action deny } test "t" { expect deny by «gaurd» }', 'did you mean "guard"?'],
  ["acl.type_mismatch", when('port == «"443"»'), "is a number"],
  ["acl.type_mismatch", when("host == «1»"), "is a host name"],
  ["acl.type_mismatch", when("dest.ip == «10.0.0.0/8»"), "write dest.ip in 10.0.0.0/8"],
  ["acl.type_mismatch", when("host in [«10.0.0.0/8»]"), '"dest.ip"'],
  ["acl.type_mismatch", when("host in [«1»]"), "must hold hosts"],
  ["acl.type_mismatch", when('port in [«"a"»]'), "must hold numbers"],
  ["acl.type_mismatch", when("client.cn in [«10.0.0.1»]"), "must hold strings"],
  ["acl.type_mismatch", when("dest.ip in [«1»]"), "must hold addresses"],
  ["acl.type_mismatch", when('port > «"1"»'), "needs a number"],
  ["acl.type_mismatch", when("host =~ «1»"), "needs a pattern"],
  ["acl.type_mismatch", when('port =~ «"1"»'), "is a number"],
  ["acl.type_mismatch", when('«client.cn» under "a"'), "needs a host"],
  ["acl.type_mismatch", when('host under «"10.0.0.1"»'), "no subdomains"],
  ["acl.type_mismatch", when('"a" in «host»'), "is no list"],
  ["acl.type_mismatch", when('host in «"a"»'), "in brackets"],
  ["acl.type_mismatch", when('«client.ou» =~ "x"'), "is a list"],
  ["acl.type_mismatch", when("port == «host»"), "is a host name"],
  ["acl.type_mismatch", when('«time» == "08:00"'), "tested with"],
  ["acl.type_mismatch", when('host == "a" zone «"UTC"»'), "has no zone"],
  ["acl.type_mismatch", 'test "t" { given { port = «"1"» } expect deny }', "is a number"],
  ["acl.type_mismatch", 'test "t" { given { host = «"a b"» } expect deny }', "no host"],
  ["acl.list_comparison", when('«client.ou» == "x"'), '"x" in client.ou'],
  ["acl.list_comparison", when('«client.ou» != "x"'), '"x" in client.ou'],
  ["acl.list_comparison", when('"x" == «client.ou»'), "is a list"],
  ["acl.list_comparison", when("host == «client.dns»"), "write host in client.dns"],
  ["acl.number_range", when("port == «9223372036854775808»"), "64 bits"],
  ["acl.number_range", when("port in [«9-1»]"), "write 1-9"],
  ["acl.bad_address", when("dest.ip == «10.0.0.256»"), "neither an address"],
  ["acl.bad_address", when("dest.ip in [«10.0.0.1/8»]"), "write 10.0.0.0/8"],
  ["acl.bad_address", when('dest.ip == «"x"»'), "neither an address"],
  ["acl.bad_address", 'test "t" { given { resolves = [«"x"»] } expect deny }', "list of addresses"],
  ["acl.bad_pattern", when('host =~ «"("»'), "missing closing"],
  ["acl.bad_pattern", when('host =~ «e"a"»'), "x22"],
  ["acl.bad_redirect", 'policy p { action redirect «"/x"» }', "names no host"],
  ["acl.bad_time", when('time in «"8-9"» zone "UTC"'), "window of the day"],
  ["acl.bad_time", when('weekday in [«"monday"»] zone "UTC"'), "weekdays"],
  ["acl.bad_time", when('now < «"2026-02-30"» zone "UTC"'), "as a date"],
  ["acl.bad_zone", when('«time» in "08:00-09:00"'), "needs a zone"],
  ["acl.bad_zone", when('time in "08:00-09:00" zone «"Europe/Pariss"»'), "unknown zone"],
  ["acl.bad_zone", when('now < «"2026-01-01"»'), "needs a zone"],
  ["acl.bad_set_entry", `set s = lines "s.txt" ${when("host in s")}`, "is no host", { "s.txt": "a.test\n«b c»\n" }],
  [
    "acl.bad_set_entry",
    `set s = lines "s.txt" ${when("host in s")}`,
    'write "ads.test" and use "under"',
    { "s.txt": "é.test\n  «*.ads.test» # x\n" },
  ],
  [
    "acl.bad_set_entry",
    `set s = lines "s.txt" ${when("dest.ip in s")}`,
    "neither an address",
    { "s.txt": "10.0.0.0/8\n«x»" },
  ],
  ["acl.duplicate_name", "policy a { action deny } policy «a» { action deny }", "the first is at p.acl:1"],
  ["acl.duplicate_name", 'set a = ["x"] set «a» = ["y"]', "a second set"],
  ["acl.duplicate_clause", "policy a { when port == 1 «when» port == 2 action deny }", '"and"'],
  ["acl.duplicate_clause", 'test "t" { expect deny «expect» deny }', "case"],
  ["acl.duplicate_fact", 'test "t" { given { port = 1 «port» = 2 } expect deny }', "given twice"],
  ["acl.missing_action", "policy «a» { when port == 1 }", "no action"],
  ["acl.missing_use", "route «a» { when port == 1 }", "no backend"],
  ["acl.missing_expectation", 'test «"t"» { given { port = 1 } }', "expects nothing"],
  ["acl.include_cycle", 'include «"p.acl"»', "p.acl includes p.acl"],
  ["acl.read_failed", 'include «"nope.acl"»', "no such file"],
  ["acl.read_failed", 'set s = hosts «"nope.hosts"»', "no such file"],
  ["acl.missing_space", when('«nothost» == "a" and hots == 1'), 'write "not host"'],
  ["acl.host_never_matches", `${when('host == «"*.corp.test"»')} x`, 'write under "corp.test"'],
];

describe("each mistake has a code, a place and advice", () => {
  test.each(CASES)("%s: %s", (code, marked, advice, marks = {}) => {
    const clean = (text: string) => text.replace("«", "").replace("»", "");
    const files = Object.fromEntries(Object.entries(marks).map(([name, text]) => [name, clean(text as string)]));
    const found = troubles(clean(marked), files).find(
      (one) => one.code === code && `${one.message} ${one.hint} ${one.label}`.includes(advice),
    );
    const [file, text] = Object.entries({ "p.acl": marked, ...marks }).find(([, text]) =>
      (text as string).includes("«"),
    )! as [string, string];
    const start = text.indexOf("«");
    const before = text.slice(0, start).split("\n");
    expect(found).toMatchObject({
      file,
      start,
      end: text.indexOf("»") - 1,
      line: before.length,
      column: before.at(-1)!.length + 1,
    });
  });

  test("the table has every code but those of the next tests", () => {
    const tested = new Set<string>(CASES.map(([code]) => code));
    expect(CODES.filter((code) => !tested.has(code))).toEqual([
      "acl.too_deep",
      "acl.too_many_errors",
      "acl.bad_encoding",
      "acl.unknown_backend",
    ]);
  });

  test("too deep, not UTF-8, unknown backends, too many", () => {
    expect(troubles(when(`${"(".repeat(201)}port == 1${")".repeat(201)}`)).map(({ code }) => code)).toContain(
      "acl.too_deep",
    );
    expect(policyOf(when(`${"(".repeat(200)}port == 1${")".repeat(200)}`)).policyCount).toBe(1);
    const { diagnostics } = loadPolicy("p.acl", () => Uint8Array.of(0x23, 0xff));
    expect(diagnostics.map(({ code }) => code)).toEqual(["acl.bad_encoding"]);
    const backends = loadText('route r { use ["paris", "pariss"] }', {}, { backends: ["paris", "lyon"] });
    expect(backends.diagnostics).toMatchObject([
      { code: "acl.unknown_backend", start: 24, hint: 'did you mean "paris"?' },
    ]);
    const many = troubles(
      Array.from({ length: 5000 }, (_, i) => `policy p${i} { when hots == ${i} action deny }`).join("\n"),
    );
    expect(many.length).toBe(101);
    expect(many.at(-1)!.code).toBe("acl.too_many_errors");
  });

  test("an entry that cannot be read fails without a place in it", () => {
    const { policy, diagnostics } = loadPolicy("gone.acl", () => {
      throw new Error("permission denied");
    });
    expect(policy).toBeUndefined();
    expect(diagnostics).toMatchObject([
      {
        code: "acl.read_failed",
        file: "gone.acl",
        line: 1,
        column: 1,
        message: 'cannot read "gone.acl": permission denied',
      },
    ]);
  });
});

describe("several mistakes in one run", () => {
  test("five different ones give five diagnostics, in order", () => {
    const text = `policy one { when hots == "a.test" action allow }
policy two { when port == "443" action allow }
policy three { wehn port == 443 action allow }
policy four { when host =~ "(" action allow }
policy one { when client.ou == "ops" action deny }`;
    const found = troubles(text.replace("policy one { when client.ou", "policy five { when client.ou"));
    expect(found.map(({ code, line }) => [code, line])).toEqual([
      ["acl.unknown_fact", 1],
      ["acl.type_mismatch", 2],
      ["acl.syntax", 3],
      ["acl.bad_pattern", 4],
      ["acl.list_comparison", 5],
    ]);
  });

  test("a mistake does not hide what follows it in its block, nor invent more", () => {
    const found = troubles(
      "policy a { when == 1 require hots == 1 action alow }\npolicy b { when port == 1\npolicy c { action nope }",
    );
    expect(found.map(({ code, line }) => [code, line])).toEqual([
      ["acl.syntax", 1],
      ["acl.unknown_fact", 1],
      ["acl.syntax", 1],
      ["acl.syntax", 2],
      ["acl.syntax", 3],
    ]);
  });

  test("warnings stand beside a policy", () => {
    const { policy, diagnostics } = loadText(when('nothost == "a" or host == "a b"'));
    expect(policy?.policyCount).toBe(1);
    expect(diagnostics.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
      "warning acl.missing_space",
      "warning acl.host_never_matches",
    ]);
  });
});
