/** Weaknesses of cloud-gouv/portail, each of which a test here names. Reads the titles of the tests, and runs none of them. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const TESTS = resolve(import.meta.dir, "..");

/** By their numbers, in the order of what is wrong there: faults, security, speed, use. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  "6.1": [
    "backends of a route are tried from the last to the first for HTTP",
    "a backend over TLS is never asked for the target by SOCKS5",
    "no certificate is shown to backends",
    "redirects fail for URLs, take the wrong port, and may crash",
    "IPv6 literals fail for HTTP",
    "no SOCKS5 reply where a name or a connection fails",
    "extended CONNECT is offered and then refused",
    "its own examples do not load, defaults are not applied, unknown keys ignored",
    "a preface or hello in pieces is taken for something else, methods are dropped by their first letter",
    "a dynamic backend with an address is none, one without breaks requests",
    "the next address waits although the one before has failed, and nothing bounds them together",
    "TCP_NODELAY is not set, NOTIFY_SOCKET is ignored",
    "long chains of conditions load and fail each request",
  ],
  "6.2": [
    "resolved addresses are not looked at, inner ones are preferred",
    "hosts are compared as they are spelt",
    "patterns without anchors, and nothing warns of them",
    "a failing require falls through, and nothing warns of it",
    "what a backend fails or refuses goes out directly",
    "clients in the clear beside TLS, which proves no certificate",
    "one set of authorities for clients and for backends",
    "policies do not know who the client is",
    "slow and idle clients are kept for ever",
    "tunnels outlive the limit of connections, nothing is limited per client or by size",
    "an error of accept ends the daemon",
    "no idle time, no lifetime, no keepalive, half-closed tunnels for ever",
    "tunnels can neither be seen nor ended",
    "the log tells all or is lost, and does not survive rotation",
    "records without destination, policy, identity and bytes",
    "names of SOCKS5 are taken as they come",
    "the control socket tells everybody, has no reload and no limit of its rate",
    "no revocation, no reload of certificates, no choice of versions and ciphers, no trust of the system",
    "the target of a redirect is not decided",
    "a reload is a restart, which cuts tunnels",
  ],
  "6.3": [
    "all policies are copied for each request",
    "a set is built anew for each evaluation",
    "all policies are evaluated one by one",
    "policies are evaluated twice, each tunnel has a new handshake with its backend",
    "a diagnostic shows the whole file, and no time of loading is known",
  ],
  "6.4": [
    "comments",
    "includes",
    "escapes in strings",
    "addresses and networks as a type",
    "an operator for a domain and what is below it",
    "sets of numbers",
    "named lists",
    "not in",
    "static types",
    "unknown facts are found at load",
    "several mistakes at once",
    "explaining and testing a policy",
    "a formatter, and help for editors",
    "diagnostics with places for programs",
    "metrics",
    "health",
    "a PAC file",
    "the person reads why",
  ],
};

const WEAKNESSES = Object.entries(SECTIONS).flatMap(([section, titles]) =>
  titles.map((title, i) => [`${section}.${i + 1}`, title] as const),
);

/** A title: the first argument of `test` or `describe`, or of what their `each` and `skipIf` give. */
const TITLE = /(?:\b(?:test|describe)(?:\.\w+)?|\))\(\s*(["'`])((?:(?!\1)[^\\]|\\.)*)\1\s*,/gs;
const COMMENT_LINE = /^\s*(?:\/\/|\/?\*).*$/gm;
/** The numbers after the word, of which there may be a list: "weaknesses 6.1.2 and 6.1.3". */
const NUMBERS = /\bweakness(?:es)? (\d+\.\d+\.\d+(?:(?:, | and )\d+\.\d+\.\d+)*)/g;

/** Every number that a title of these sources has. */
function namedIn(sources: readonly string[]): Set<string> {
  const named = new Set<string>();
  for (const source of sources)
    for (const [, , title] of source.replace(COMMENT_LINE, "").matchAll(TITLE))
      for (const [, list] of title!.matchAll(NUMBERS)) for (const one of list!.split(/, | and /)) named.add(one);
  return named;
}

const unnamed = (sources: readonly string[]) => {
  const named = namedIn(sources);
  return WEAKNESSES.filter(([number]) => !named.has(number));
};

const sources = [...new Glob("**/*.test.ts").scanSync(TESTS)]
  .map((path) => resolve(TESTS, path))
  .filter((path) => path !== import.meta.path)
  .map((path) => readFileSync(path, "utf8"));

test("each is named by a test", () => {
  expect(sources.length).toBeGreaterThan(200);
  expect(unnamed(sources)).toEqual([]);
});

test("no test names one that is not in the list", () => {
  const numbers: readonly string[] = WEAKNESSES.map(([number]) => number);
  expect([...namedIn(sources)].filter((number) => !numbers.includes(number))).toEqual([]);
});

test.each(WEAKNESSES)("%s (%s): without its name it is missed", (number, title) => {
  const word = new RegExp(`\\b${number.replaceAll(".", "\\.")}\\b`, "g");
  expect(unnamed(sources.map((source) => source.replace(word, "0.0.0")))).toEqual([[number, title]]);
});

test("titles are read wherever they stand, and nothing else is", () => {
  const found = [
    'test("weakness 1.1.1: x", () => {',
    "  test.each(rows)(`${x}: weaknesses 1.1.2, 1.1.3 and 1.1.4: y`, () => {",
    'describe.each(["a"])(\n  "%s (weakness 1.1.5)",\n  () => {',
    'test.each([\n  ["x"],\n] as const)("weakness 1.1.6: %s", (_) => {',
    "describe('weakness 1.1.7', () => {",
  ];
  expect([...namedIn(found)]).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `1.1.${n}`));
  const none = [
    '// test("weakness 1.1.1: x", () => {',
    '/** weakness 1.1.2 */\ntest("x", () => {',
    'const text = "weakness 1.1.3";',
    'expect(said).toBe("weakness 1.1.4");',
    'test("version 1.1.5: x", () => {',
  ];
  expect([...namedIn(none)]).toEqual([]);
});
