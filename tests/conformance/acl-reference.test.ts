/** Policies of cloud-gouv/portail at 573fac9: what loads there loads here and decides the same, but for canonical hosts and the address guard. */
import { describe, expect, test } from "bun:test";
import type { Facts } from "../../lib/acl/facts.ts";
import { loadPolicy } from "../../lib/acl/load.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { canonicalHost } from "../../lib/wire/host.ts";

function load(text: string, backends?: string[]): Policy {
  const { policy, diagnostics } = loadPolicy("p.acl", () => text, backends && { backends });
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics));
  return policy;
}

function errors(text: string, backends?: string[]): string[] {
  const { policy, diagnostics } = loadPolicy("p.acl", () => text, backends && { backends });
  expect(policy).toBeUndefined();
  return diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
}

/** The facts that the reference has on its two protocols (section 2.4 of its description). */
const http = (host: string, port = 443, more: Facts = {}): Facts => ({
  "client.auth": "none",
  "proxy.protocol": "http",
  host: canonicalHost(host).host!,
  port,
  method: "CONNECT",
  path: "",
  query: "",
  scheme: "http",
  "route.local": true,
  ...more,
});
const socks = (host: string, port = 443, more: Facts = {}): Facts => ({
  "client.auth": "none",
  "proxy.protocol": "socks5",
  "proxy.cmd": "tcp_connect",
  host: canonicalHost(host).host!,
  port,
  "route.local": true,
  ...more,
});

const said = (policy: Policy, facts: Facts): string => {
  const { outcome, policy: name, reason, missing } = policy.decide(facts);
  return reason === "missing_fact" ? `error ${missing}` : `${outcome} ${name ?? "default"}`;
};

describe("the worked examples", () => {
  test("A: an allow list with default deny", () => {
    const policy = load('policy git_ssh {\n  when host == "git.corp.test" and port == 22\n  action allow\n}\n');
    expect(said(policy, socks("git.corp.test", 22))).toBe("allow git_ssh");
    expect(said(policy, socks("git.corp.test", 443))).toBe("deny default");
    // Denied there for case and dot; hosts are canonical here.
    expect(said(policy, socks("GIT.corp.test", 22))).toBe("allow git_ssh");
    expect(said(policy, socks("git.corp.test.", 22))).toBe("allow git_ssh");
  });

  test("B: a failing require falls through", () => {
    const payroll = 'policy payroll   { when host == "pay.corp.test" require client.auth == "tls" action allow }\n';
    const everybody = "policy everybody { action allow }";
    expect(said(load(payroll + everybody), http("pay.corp.test", 443, { "client.auth": "tls" }))).toBe("allow payroll");
    expect(said(load(payroll + everybody), http("pay.corp.test"))).toBe("allow everybody");
    const guarded = `${payroll}policy payroll_guard { when host == "pay.corp.test" action deny }\n${everybody}`;
    expect(said(load(guarded), http("pay.corp.test"))).toBe("deny payroll_guard");
    expect(said(load(guarded), http("other.test"))).toBe("allow everybody");
  });

  test("C: patterns are not anchored", () => {
    const policy = load('policy corp { when host =~ "corp\\.test$" action allow }');
    expect(said(policy, http("wiki.corp.test"))).toBe("allow corp");
    expect(said(policy, http("evilcorp.test"))).toBe("allow corp");
    expect(said(policy, http("corp.test.evil.example"))).toBe("deny default");
    const safe = load('policy corp { when host =~ "(^|\\.)corp\\.test$" action allow }');
    expect(said(safe, http("evilcorp.test"))).toBe("deny default");
    expect(said(safe, http("corp.test"))).toBe("allow corp");
    expect(said(safe, http("wiki.corp.test"))).toBe("allow corp");
  });

  test("D: a fact that one protocol lacks ends the evaluation", () => {
    const s = 'policy s { when host == "b.test" action allow }';
    const bare = load(`policy h { when method == "CONNECT" and host == "a.test" action allow }\n${s}`);
    expect(said(bare, http("a.test"))).toBe("allow h");
    expect(said(bare, socks("b.test"))).toBe("error method");
    const guarded = load(
      `policy h { when proxy.protocol == "http" and method == "CONNECT" and host == "a.test" action allow }\n${s}`,
    );
    expect(said(guarded, socks("b.test"))).toBe("allow s");
  });

  test("E: routes, and a second decision for the direct exit", () => {
    const policy = load(
      `route paris { when host =~ "\\.par\\.test$" use ["par1", "par2",] }
       policy via_hub   { when host =~ "\\.par\\.test$" require route.local == false action allow }
       policy bootstrap { when host in ["time.test", "vpn.test"] action allow }`,
      ["par1", "par2"],
    );
    expect(policy.routes(socks("x.par.test"))).toEqual({ backends: ["par1", "par2"], matched: ["paris"] });
    expect(said(policy, socks("x.par.test", 443, { "route.local": false }))).toBe("allow via_hub");
    expect(said(policy, socks("x.par.test", 443, { "route.local": true }))).toBe("deny default");
    expect(policy.routes(socks("vpn.test"))).toEqual({ backends: [], matched: [] });
    expect(said(policy, socks("vpn.test"))).toBe("allow bootstrap");
    expect(said(policy, socks("other.test"))).toBe("deny default");
  });

  test("F: not binds closer than and, and closer than or", () => {
    const policy = load('policy p { when port == 1 or port == 2 and not host == "c.test" action allow }');
    expect(said(policy, socks("c.test", 1))).toBe("allow p");
    expect(said(policy, socks("c.test", 2))).toBe("deny default");
    expect(said(policy, socks("d.test", 2))).toBe("allow p");
    expect(errors("policy p { when a == 1 or b == 2 and not c == 3 action allow }")).toEqual(
      Array(3).fill("acl.unknown_fact"),
    );
  });

  test("G: redirects by authority and by URL", () => {
    const target = (text: string) =>
      load(`policy login { when host == "old.test" action redirect "${text}" }`).decide(socks("old.test")).redirect;
    expect(target("new.test:8443")).toEqual({ host: "new.test", port: 8443 });
    expect(target("new.test")).toEqual({ host: "new.test" });
    expect(target("https://new.test/")).toEqual({ host: "new.test", port: 443, scheme: "https", path: "/" });
    expect(target("http://new.test")).toEqual({ host: "new.test", port: 80, scheme: "http" });
    expect(errors('policy login { action redirect "/login" }')).toEqual(["acl.bad_redirect"]);
    expect(errors('policy login { action redirect "*" }')).toEqual(["acl.bad_redirect"]);
  });

  test("H: numbers", () => {
    const policy = load("policy high { when port >= 1024 and port != 3128 action allow }");
    expect([8080, 443, 3128].map((port) => said(policy, http("a.test", port)))).toEqual([
      "allow high",
      "deny default",
      "deny default",
    ]);
    expect(errors('policy high { when port >= "1024" action allow }')).toEqual(["acl.type_mismatch"]);
    // Loads there, and fails every request.
    expect(errors('policy high { when port == "443" action allow }')).toEqual(["acl.type_mismatch"]);
  });
});

describe("grammar corners that load there", () => {
  const always = (condition: string) => said(load(`policy p { when ${condition} action allow }`), socks("a.test", 443));
  const rows: [string, string, string][] = [
    ["braces around a condition", '{ host == "a.test" }', "allow p"],
    ["braces without blanks", '{host=="a.test"}', "allow p"],
    ["parentheses", '((host == "a.test"))', "allow p"],
    ["a literal on the left", '"a.test" == host', "allow p"],
    ["a number on the left", "443 == port", "allow p"],
    ["two literals", "true == true", "allow p"],
    ["two literals of which one is out of a double's reach", "9007199254740993 == 9007199254740992", "deny default"],
    ["an ordered pair of literals", "-5 < 3", "allow p"],
    ["two facts", "host == host", "allow p"],
    ["a set with a trailing comma", 'host in ["b.test", "a.test" , ]', "allow p"],
    ["a set without blanks", 'host in["a.test"]', "allow p"],
    ["the empty set", "host in []", "deny default"],
    ["a literal in a set", '"x" in ["x", "y"]', "allow p"],
    ["a pattern on a literal", '"xyz" =~ "y"', "allow p"],
    ["a negative number", "port >= -1", "allow p"],
    ["line breaks anywhere", 'host\n==\r\n\t"a.test"', "allow p"],
    ["not without a blank", 'not(host == "b.test")', "allow p"],
    ["not glued to a fact", 'nothost == "b.test"', "allow p"],
    ["and glued to its operands", 'host == "a.test"andport == 443', "allow p"],
    ["and glued to a number", 'port == 443and host == "a.test"', "allow p"],
    ["or glued to a boolean", "true == falseor port == 443", "allow p"],
    ["an inline flag of a pattern", 'host =~ "(?i)A\\.TEST"', "allow p"],
    ["a pattern with a named group", 'host =~ "^(?P<n>a)\\.test$"', "allow p"],
    ["a pattern with the flag that is always on", 'host =~ "(?u)^a\\.test$"', "allow p"],
    ["a backslash at the end of a string", 'path == "\\" or host == "a.test"', "error path"],
    ["and before or", 'host == "a.test" or port == 1 and port == 2', "allow p"],
    ["a bracketed IPv6 literal", 'host == "[::1]"', "deny default"],
  ];
  test.each(rows)("%s: %s", (_, condition, wanted) => expect(always(condition)).toBe(wanted));

  test("the order of clauses is free, and they may share a line", () => {
    expect(said(load('policy p { action allow require port == 443 when host == "a.test" }'), socks("a.test"))).toBe(
      "allow p",
    );
    expect(said(load('policy p{action {deny explain-template="x.html"}}'), socks("a.test"))).toBe("deny p");
  });

  test("an action may be glued to the next clause, and a block's keyword to its name", () => {
    expect(said(load('policyfoo{action allowwhen host == "a.test"}'), socks("a.test"))).toBe("allow foo");
    expect(load('routefoo{use ["b"]}').routeNames).toEqual(["foo"]);
  });

  test("names are letters, digits, hyphens and underscores of any script, and no word is reserved", () => {
    const policy = load(
      'policy 2fa-é_東 { when host == "no.test" action allow } policy policy { action allow } route when { use ["b"] }',
    );
    expect(policy.policyNames).toEqual(["2fa-é_東", "policy"]);
    expect(said(policy, socks("a.test"))).toBe("allow policy");
  });

  test("an empty file and a file of blanks deny everything", () => {
    expect(said(load(""), socks("a.test"))).toBe("deny default");
    expect(said(load(" \n"), socks("a.test"))).toBe("deny default");
  });

  test("a string may hold line breaks and backslashes", () => {
    const policy = load('policy p { action deny explain-template="a\\n\nb" }');
    expect(policy.decide(socks("a.test")).template).toBe("a\\n\nb");
  });

  test("routes: all that match, in order, duplicates kept; a route and a policy may share a name", () => {
    const policy = load(
      'route a { use ["x", "y"] } route b { when port == 1 use ["n"] } route c { use ["x"] } policy a { action allow }',
    );
    expect(policy.routes(socks("a.test"))).toEqual({ backends: ["x", "y", "x"], matched: ["a", "c"] });
  });

  test("route.local does not exist while routes are evaluated", () => {
    const { "route.local": _, ...facts } = socks("a.test");
    expect(load('route a { when route.local == true use ["x"] }').routes(facts)).toEqual({
      reason: "missing_fact",
      missing: "route.local",
      route: "a",
    });
  });

  test("weakness 6.1.13: chains of thousands of terms, which fail there at request time, decide here", () => {
    const terms = Array.from({ length: 5000 }, (_, i) => `host == "h${i}.test"`).join(" or ");
    const policy = load(`policy p { when ${terms} action allow }`);
    expect(said(policy, socks("h4999.test"))).toBe("allow p");
    expect(said(policy, socks("h5000.test"))).toBe("deny default");
  });
});

describe("what is refused there is refused here", () => {
  const rows: [string, string, string][] = [
    ["a policy without action", "policy p { when port == 1 }", "acl.missing_action"],
    ["two whens", "policy p { when port == 1 when port == 2 action allow }", "acl.duplicate_clause"],
    ["two actions", "policy p { action allow action deny }", "acl.duplicate_clause"],
    ["two policies of one name", "policy p { action allow } policy p { action deny }", "acl.duplicate_name"],
    ["a route without backend", "route r { when port == 1 }", "acl.missing_use"],
    ["a backend that does not exist", 'route r { use ["nope"] }', "acl.unknown_backend"],
    ["a bad pattern", 'policy p { when host =~ "(" action allow }', "acl.bad_pattern"],
    ["look-around", 'policy p { when host =~ "(?=a)" action allow }', "acl.bad_pattern"],
    ["a bare boolean", "policy p { when route.local action allow }", "acl.syntax"],
    [
      "a number on the right that does not fit 64 bits",
      "policy p { when port < 9223372036854775808 action allow }",
      "acl.number_range",
    ],
    ["the least number of 64 bits", "policy p { when port > -9223372036854775808 action allow }", "acl.number_range"],
    ["a set of names without quotes", "policy p { when host in [a] action allow }", "acl.syntax"],
    ["an unknown action", "policy p { action drop }", "acl.syntax"],
    ["an unclosed string", 'policy p { when host == "a action allow }', "acl.unterminated_string"],
  ];
  test.each(rows)("%s", (_, text, code) => expect(errors(text, ["b1"])).toContain(code));

  test("what fails there at request time fails here at load", () => {
    expect(errors('policy p { when 5 in ["a"] action allow }')).toEqual(["acl.type_mismatch"]);
    expect(errors('policy p { when "a" < 3 action allow }')).toEqual(["acl.type_mismatch"]);
    expect(errors('policy p { when port =~ "4" action allow }')).toEqual(["acl.type_mismatch"]);
    expect(errors("policy p { when host < 3 action allow }")).toEqual(["acl.type_mismatch"]);
    expect(errors("policy p { when port == 99999999999999999999 action allow }")).toEqual(["acl.number_range"]);
    expect(errors('policy p { when user == "x" action allow }')).toEqual(["acl.unknown_fact"]);
  });

  test("parentheses nested without end are an error, not a crash", () => {
    expect(errors(`policy p { when ${"(".repeat(100_000)} action allow }`)).toContain("acl.too_deep");
    expect(errors(`policy p { when ${"not ".repeat(100_000)} port == 1 action allow }`)).toContain("acl.too_deep");
  });
});
