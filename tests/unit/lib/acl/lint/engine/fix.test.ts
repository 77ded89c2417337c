/** Fixing over several files: what others may include is changed only where it means the same to them. */
import { expect, test } from "bun:test";
import { fixPolicy } from "../../../../../../lib/acl/lint/engine/fix.ts";
import { fixed, fixedFiles } from "../support.ts";

const ENTRY = 'include "part.acl"\npolicy p { when host under s and client.cn in t action allow }\n';

test("in an included file, what is said in one place is fixed", () => {
  const part =
    'set s = ["a"]\nset t = ["c"]\npolicy q { when port == 1 and port == 1 or nothost == "A" action allow }\n';
  expect(fixedFiles({ "p.acl": ENTRY, "part.acl": part })).toEqual({
    "part.acl": 'set s = ["a"]\nset t = ["c"]\npolicy q { when port == 1 or not host == "a" action allow }\n',
  });
});

test("sets of an included file are fixed only where every use agrees", () => {
  const part = 'set s = ["a.test", "x.a.test", "B.test", "a.test"]\nset t = ["c", "c"]\nset unused = ["u"]\n';
  expect(fixedFiles({ "p.acl": ENTRY, "part.acl": part })).toEqual({
    "part.acl": 'set s = ["a.test", "x.a.test", "B.test"]\nset t = ["c"]\nset unused = ["u"]\n',
  });
});

test("a copy in an included file of a policy elsewhere stays, and one in the entry goes", () => {
  const copy = (name: string) => `policy ${name} { when port == 1 action allow }\n`;
  expect(fixedFiles({ "p.acl": `${copy("a")}include "part.acl"\n`, "part.acl": copy("b") })).toEqual({});
  expect(fixedFiles({ "p.acl": `include "part.acl"\n${copy("b")}`, "part.acl": copy("a") })).toEqual({
    "p.acl": 'include "part.acl"\n',
  });
});

test("the built-in policy is read and never changed", () => {
  expect(fixPolicy("builtin:sample", () => "", {}, {})).toEqual({ texts: new Map(), applied: 0 });
});

test("suppressed findings stay", () => {
  const text = "# lint-allow constant-condition: why\npolicy p { when 1 == 1 and port == 1 action allow }\n";
  expect(fixed(text)).toBe(text);
});

test("fixes that overlap are made one after the other", () => {
  expect(fixed("policy p { when true == true and true == true and port == 1 and port == 1 action allow }")).toBe(
    "policy p { when port == 1 action allow }",
  );
  expect(fixed("policy p { when 1 == 1 require 1 == 1 action allow }")).toBe("policy p { action allow }");
});

test("line ends and what surrounds a fix are kept", () => {
  expect(fixed('# top\r\npolicy p {\r\n  when host == "A"\r\n  action allow # end\r\n}\r\n')).toBe(
    '# top\r\npolicy p {\r\n  when host == "a"\r\n  action allow # end\r\n}\r\n',
  );
});

test("a policy that does not load is our mistake", () => {
  expect(() => fixPolicy("p.acl", () => "policy", {}, {})).toThrow('"p.acl" is broken');
});
