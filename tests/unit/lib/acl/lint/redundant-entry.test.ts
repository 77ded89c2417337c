/** Entries that another one holds. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "redundant-entry";

test.each([
  ["a network within another", `policy p { when dest.ip in [10.0.0.0/8, 10.1.0.0/16] action allow }`, ["10.1.0.0/16"]],
  ["the wider one behind", `policy p { when dest.ip in [10.1.0.0/16, 10.0.0.0/8] action allow }`, ["10.1.0.0/16"]],
  ["an address within", `policy p { when dest.ip in [::/0, "2001:db8::1"] action allow }`, ['"2001:db8::1"']],
  ["a port in a range", `policy p { when port in [80, 443, 400-499] action allow }`, ["443"]],
  ["a range in a range", `policy p { when port in [1-9, 2-5] action allow }`, ["2-5"]],
  ["a name twice", `policy p { when client.cn in ["a", "b", "a"] action allow }`, ['"a"']],
  ["a host in two spellings", `policy p { when host in ["a.test", "A.test."] action allow }`, ['"A.test."']],
  ["a subdomain", `policy p { when host under ["a.test", "x.a.test"] action allow }`, ['"x.a.test"']],
  [
    "in a set",
    `set s = ["a.test", "x.a.test"]
policy p { when host under s action allow }`,
    ['"x.a.test"'],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["a subdomain that is a host", `policy p { when host in ["a.test", "x.a.test"] action allow }`],
  [
    "a set that is used in both ways",
    `set s = ["a.test", "x.a.test"]
policy p { when host under s action allow }
policy q { when tls.server_name in s and port == 1 action allow }`,
  ],
  ["upper case where it is no host", `policy p { when client.cn in ["a", "A"] action allow }`],
  ["neighbours", `policy p { when dest.ip in [10.0.0.0/9, 10.128.0.0/9] and port in [1-2, 3] action allow }`],
  ["a name that only ends alike", `policy p { when host under ["a.test", "xa.test"] action allow }`],
  [
    "an unused set is told by another rule",
    `set s = ["a", "a"]
policy p { action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("--fix takes the entries out, and leaves the last of equals", () => {
  const list = (items: string) => `policy p { when dest.ip in [${items}] action allow }`;
  expect(fixed(list("10.1.0.0/16, 10.0.0.0/8, 10.2.0.0/16, 192.0.2.0/24, 10.0.0.0/8,"))).toBe(
    list("10.0.0.0/8, 192.0.2.0/24,"),
  );
});

test("--fix leaves an entry with a comment", () => {
  const text = "set s = [\n  10.0.0.0/8, # all\n  10.1.0.0/16, # Paris\n]\npolicy p { when dest.ip in s action allow }";
  expect(found(RULE, text)).toEqual(["10.1.0.0/16"]);
  expect(fixed(text)).toBe(text);
});

test("a hundred thousand entries of each kind", () => {
  const some = Array.from({ length: 100_000 }, (_, i) => i);
  const nets = some.map((i) => `${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`);
  const names = some.map((i) => `"h${i % 50_000}.test"`);
  const text = `set n = [${nets.join()}, 1.0.0.0/16]\nset h = [${names.join()}]\npolicy p { when dest.ip in n and host under h action allow }`;
  expect(found(RULE, text)).toHaveLength(256 + 50_000);
}, 60_000);
