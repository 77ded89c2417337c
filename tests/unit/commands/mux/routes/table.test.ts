/** The order in which routes are chosen: examples one by one, and against a plain reference on random tables. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RouteTable, type Asked, type HelloChoice, type HelloWay } from "../../../../../commands/mux/routes/table.ts";
import type { RouteMatch } from "../../../../../commands/mux/routes/match.ts";
import { referenceChoice, route, type RouteWords } from "./support.ts";

function said(choice: HelloChoice<RouteMatch>): string {
  if (choice.kind === "refused") return choice.code;
  return [choice.route.name, choice.protocolId, choice.capture].filter((one) => one !== undefined).join(" ");
}

const table = (...words: RouteWords[]) => new RouteTable(words.map((one, i) => route({ name: `r${i}`, ...one })));

function ask(of: RouteTable<RouteMatch>, serverName?: string, protocolIds?: string[], way: HelloWay = "tls"): string {
  return said(of.routeHello({ serverName, protocolIds }, way));
}

describe("server names", () => {
  const names = table(
    { name: "pattern", names: ["~^a[0-9]+\\.", "~example"] },
    { name: "later pattern", names: ["~^a"] },
    { name: "deep", names: ["**.example"] },
    { name: "one", names: ["*.b.example"] },
    { name: "deeper", names: ["**.b.example"] },
    { name: "exact", names: ["a.b.example", "b.example"] },
    { name: "none" },
  );
  test.each([
    ["a.b.example", "exact"],
    ["b.example", "exact"],
    ["x.b.example", "one"],
    ["y.x.b.example", "deeper"],
    ["z.y.x.b.example", "deeper"],
    ["x.c.example", "deep"],
    ["c.example", "deep"],
    ["example", "pattern"],
    ["a1.test", "pattern"],
    ["a.test", "later pattern"],
    ["b.test", "none"],
    ["b", "none"],
    [undefined, "none"],
  ])("%s leads to %s", (name, to) => expect(ask(names, name)).toBe(to));

  test("one that nothing knows, or none at all, is refused where there is no route without names", () => {
    const only = table({ names: ["a.example"] });
    expect(ask(only, "b.example")).toBe("unknown_server_name");
    expect(ask(only)).toBe("unknown_server_name");
  });
});

describe("protocol ids", () => {
  const ids = table(
    { name: "web", names: ["a.example"], alpn: ["h2", "http/1.1"] },
    { name: "auth", names: ["a.example"], alpn: ["teleport-auth@*"] },
    { name: "root", names: ["a.example"], alpn: ["teleport-auth@root", "teleport-auth@r*"] },
    { name: "rest", names: ["a.example"] },
    { name: "other", names: ["b.example"], alpn: ["x"] },
    { name: "all" },
    { name: "all x", alpn: ["only-here"] },
  );
  test.each([
    [["http/1.1", "h2"], "web http/1.1"],
    [["h2", "http/1.1"], "web h2"],
    [["unknown", "h2"], "web h2"],
    [["teleport-auth@leaf"], "auth teleport-auth@leaf leaf"],
    [["teleport-auth@root"], "root teleport-auth@root"],
    [["teleport-auth@roof"], "root teleport-auth@roof oof"],
    [["teleport-auth@"], "bad_capture"],
    [["teleport-auth@A"], "bad_capture"],
    [["teleport-auth@a.b", "h2"], "bad_capture"],
    [["h2", "teleport-auth@a.b"], "web h2"],
    [["teleport-aut"], "rest"],
    [["H2"], "rest"],
    [[], "rest"],
    [undefined, "rest"],
  ])("%j lead to %s", (offered, to) => expect(ask(ids, "a.example", offered)).toBe(to));

  test("never to another name's routes", () => {
    expect(ask(ids, "b.example", ["only-here"])).toBe("no_application_protocol");
    expect(ask(ids, "b.example")).toBe("no_application_protocol");
    expect(ask(ids, "c.example", ["only-here"])).toBe("all x only-here");
    expect(ask(ids, "c.example", ["x"])).toBe("all");
  });

  test.each([
    "127.0.0.1",
    "@metadata",
    "a.b",
    "LEAF",
    "a".repeat(64),
    "",
    " ",
    "a_b",
    "\u00e9",
    "a/b",
    "a:1",
    "{capture}",
  ])("a capture is one label: %j is refused", (capture) =>
    expect(ask(ids, "a.example", [`teleport-auth@${capture}`])).toBe("bad_capture"),
  );

  test.each(["a", "7", "-", "a-b", "a".repeat(63)])("a capture is one label: %j is taken", (capture) => {
    expect(ask(ids, "a.example", [`teleport-auth@${capture}`])).toBe(`auth teleport-auth@${capture} ${capture}`);
  });
});

describe("protocol ids that are none, that are anything, and that are refused", () => {
  const ids = table(
    { name: "web", alpn: ["h2", ""] },
    { name: "versions", alpn: ["my-**"] },
    { name: "later", alpn: ["my-ping", "x"], refuse: "not yet" },
  );
  test.each([
    [undefined, "web"],
    [[], "web"],
    [["unknown"], "no_application_protocol"],
    [["my-OC4wLjI4/+="], "versions my-OC4wLjI4/+="],
    [["my-"], "versions my-"],
    [["my-ping"], "later my-ping"],
    [["x", "my-ping"], "later x"],
    [["my-ping", "unknown", "h2"], "web h2"],
    [["my-ping", "my-A"], "versions my-A"],
  ])("%j lead to %s", (offered, to) => expect(ask(ids, "a.example", offered)).toBe(to));

  test("no name's rest takes what is refused", () => {
    const rest = table({ name: "rest" }, { name: "later", alpn: ["x"], refuse: "not yet" });
    expect(ask(rest, undefined, ["x"])).toBe("later x");
    expect(ask(rest, undefined, ["y"])).toBe("rest");
  });
});

describe("acme-tls/1", () => {
  const acme = table(
    { name: "acme", alpn: ["acme-tls/1"] },
    { name: "site", names: ["a.example"] },
    { name: "own", names: ["b.example"], alpn: ["acme-tls/1"] },
    { name: "b", names: ["b.example"] },
  );
  test("alone it goes past the routes of its name, unless they take it", () => {
    expect(ask(acme, "a.example", ["acme-tls/1"])).toBe("acme acme-tls/1");
    expect(ask(acme, "b.example", ["acme-tls/1"])).toBe("own acme-tls/1");
    expect(ask(acme, "c.example", ["acme-tls/1"])).toBe("acme acme-tls/1");
    expect(ask(acme, "a.example", ["h2", "acme-tls/1"])).toBe("site");
    expect(ask(table({ name: "site", names: ["a.example"] }), "a.example", ["acme-tls/1"])).toBe("site");
  });
});

describe("PostgreSQL", () => {
  const databases = table(
    { name: "db", names: ["db.example"], postgres: true },
    { name: "named", names: ["ids.example"], postgres: true, alpn: ["x-db"] },
    { name: "web" },
  );
  test("by its request, or by its id at once; to no other route by its request", () => {
    expect(ask(databases, "db.example", undefined, "postgres")).toBe("db");
    expect(ask(databases, "db.example", ["x", "postgresql"], "postgres")).toBe("db postgresql");
    expect(ask(databases, "db.example", ["x"], "postgres")).toBe("db");
    expect(ask(databases, "db.example", ["postgresql"])).toBe("db postgresql");
    expect(ask(databases, "db.example", ["h2"])).toBe("no_application_protocol");
    expect(ask(databases, "ids.example", ["x-db"])).toBe("named x-db");
    expect(ask(databases, "ids.example", undefined, "postgres")).toBe("named");
    expect(ask(databases, "web.example", undefined, "postgres")).toBe("unknown_server_name");
    expect(databases.expected.names).toEqual(new Set(["tls", "postgres-tls", "postgres-gssapi", "postgres-cancel"]));
  });
});

describe("first bytes", () => {
  const plain = table(
    { name: "ssh", bytes: ["ssh", "silent"] },
    { name: "mail", bytes: ["~^EHLO", "~^HELO"] },
    { name: "web", bytes: ["http", "h2"] },
  );
  test("by name, by pattern, by silence", () => {
    expect(plain.routeFirstBytes({ name: "ssh" })?.name).toBe("ssh");
    expect(plain.routeFirstBytes({ name: "h2" })?.name).toBe("web");
    expect(plain.routeFirstBytes({ pattern: 1 })?.name).toBe("mail");
    expect(plain.routeFirstBytes({ name: "socks5" })).toBeUndefined();
    expect(plain.silent?.name).toBe("ssh");
    expect(plain.expected.names).toEqual(new Set(["ssh", "http", "h2"]));
    expect(plain.expected.patterns.map(({ text }) => text)).toEqual(["^EHLO", "^HELO"]);
  });

  test("they are no way in for TLS", () => expect(ask(plain, "a.example")).toBe("unknown_server_name"));
});

test("what two routes take is told, and the first has it", () => {
  const twice = table(
    { name: "a", names: ["x.example"], alpn: ["h2"] },
    { name: "b", names: ["y.example", "x.example"], alpn: ["h2", "q@*"] },
    { name: "c", names: ["x.example"], alpn: ["q@*"] },
    { name: "d" },
    { name: "e" },
    { name: "f", bytes: ["ssh", "~^x"] },
    { name: "g", bytes: ["ssh", "~^x"] },
    { name: "h", names: ["p.example"], postgres: true },
    { name: "i", names: ["p.example"], postgres: true, alpn: ["z"] },
    { name: "j", names: ["n.example"], alpn: ["", "n-*"] },
    { name: "k", names: ["n.example"], alpn: ["", "n-**"] },
  );
  expect(twice.overlaps.map(({ first, second, what }) => `${first.name} ${second.name}: ${what}`)).toEqual([
    "a b: protocol id h2 for x.example",
    "b c: protocol id q@* for x.example",
    "d e: all protocol ids without a server name",
    "f g: first bytes ssh",
    "f g: first bytes ~^x",
    "h i: PostgreSQL for p.example",
    "j k: clients without protocol ids for n.example",
    "j k: protocol id n-** for n.example",
  ]);
  expect(ask(twice, "x.example", ["h2"])).toBe("a h2");
  expect(twice.unreachable.map(({ name }) => name)).toEqual(["c", "e", "g", "k"]);
});

test.each([
  ["^a\\.x\\.example$", true],
  ["^(a|b)\\.x\\.example$", true],
  ["^(a|c)\\.x\\.example$", false],
  ["^b\\.b\\.x\\.example$", false],
  ["\\.deep\\.example$", true],
  ["\\.x\\.example$", false],
  ["^a", false],
])("a pattern that lists nothing but what names have is never reached: %s", (pattern, lost) => {
  const { unreachable } = table(
    { name: "pattern", names: [`~${pattern}`] },
    { name: "names", names: ["a.x.example", "b.x.example", "**.deep.example"] },
  );
  expect(unreachable.map(({ name }) => name)).toEqual(lost ? ["pattern"] : []);
});

test("the index says what the plain reference says", () => {
  const label = fc.constantFrom("a", "b", "c", "d1");
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const pattern = fc.oneof(
    { weight: 4, arbitrary: name },
    { weight: 2, arbitrary: name.map((one) => `*.${one}`) },
    { weight: 2, arbitrary: name.map((one) => `**.${one}`) },
    { weight: 1, arbitrary: fc.constantFrom("~^a", "~b", "~[0-9]", "~c$", "~^a\\.b$") },
  );
  const offered = fc.constantFrom("h2", "x", "q@a", "q@ab", "q@", "q@A", "r@q", "postgresql", "acme-tls/1", "qq");
  const id = fc.constantFrom("h2", "x", "q@*", "q@a*", "q*", "q@**", "q@a", "r@*", "", "postgresql", "acme-tls/1");
  const words = fc.record({
    names: fc.array(pattern, { maxLength: 3 }),
    alpn: fc.array(id, { maxLength: 3 }),
    postgres: fc.boolean(),
    refuse: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constant("no") }),
    bytes: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant(["ssh"]) }),
  });
  const asked = fc.record({
    serverName: fc.option(name, { nil: undefined }),
    protocolIds: fc.option(fc.array(offered, { maxLength: 4 }), { nil: undefined }),
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(words, { maxLength: 12 }),
      fc.array(asked, { minLength: 1, maxLength: 20 }),
      fc.constantFrom<HelloWay>("tls", "postgres"),
      (all, questions, way) => {
        const routes = all.map(({ refuse, ...one }, i) =>
          route({ name: `r${i}`, ...one, ...(refuse === undefined ? {} : { refuse }) }),
        );
        const compiled = new RouteTable(routes);
        for (const question of questions as Asked[]) {
          const choice = said(compiled.routeHello(question, way));
          expect(choice).toBe(referenceChoice(routes, question, way));
          seen.add(choice.replace(/r\d+/, "r").split(" ").length > 2 ? "captured" : choice.replace(/^r\d+.*/, "route"));
        }
      },
    ),
    { numRuns: 3000 },
  );
  expect([...seen].toSorted()).toEqual([
    "bad_capture",
    "captured",
    "no_application_protocol",
    "route",
    "unknown_server_name",
  ]);
});
