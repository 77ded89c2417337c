/** Texts with places: what is filled in, what is a brace, and what is a mistake. */
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { Template } from "../../../../lib/command/template.ts";

const NAMES = ["host", "port"] as const;
const VALUES = { host: "::1", port: "{host}" };
const parse = (text: string) => Template.parse(text, NAMES, "argument 1 of psql");

test.each([
  ["", ""],
  ["plain", "plain"],
  ["{host}", "::1"],
  ["-h{host}:{port}.", "-h::1:{host}."],
  ["{host}{host}", "::1::1"],
  ["{{host}}", "{host}"],
  ["{{{host}}}", "{::1}"],
  ["'{{1,2}}'::int[]", "'{1,2}'::int[]"],
  ["{{{{", "{{"],
  ["$host %h %% \\n \0 é", "$host %h %% \\n \0 é"],
])("%j becomes %j", (text, filled) => expect(parse(text).expand(VALUES)).toBe(filled));

test.each([
  ["plain", []],
  ["{{host}}", []],
  ["{port}-{host}{port}", ["port", "host", "port"]],
])("%j has places for %j", (text, names) => expect(parse(text).names).toEqual(names as never));

describe("mistakes", () => {
  test.each([
    ["{hots}", "did you mean {host}? A brace is written {{"],
    ["{Port}", "did you mean {port}? A brace is written {{"],
    ["{nothing_like_it}", "use {host}, {port}; a brace is written {{"],
  ])("%s: a name that is not known", (text, hint) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "template.unknown", exit: 64, hint }));
    expect(() => parse(text)).toThrow(`argument 1 of psql: ${text} is not known`);
  });

  test.each([
    ["{", "{"],
    ["}", "}"],
    ["{host", "{"],
    ["host}", "}"],
    ["{}", "{"],
    ["{ host }", "{"],
    ['{"a":1}', "{"],
    ["{{{", "{"],
    ["{{host}", "}"],
    ["{1}", "{"],
  ])("%s: a brace that stands alone", (text, brace) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "template.brace", exit: 64 }));
    expect(() => parse(text)).toThrow(`argument 1 of psql: a "${brace}" stands alone`);
  });

  test("none repeats the text", () => {
    for (const text of ["hunter2 {", "hunter2 {hots}"]) {
      let error: unknown;
      try {
        parse(text);
      } catch (thrown) {
        error = thrown;
      }
      expect(inspect(error)).toContain("argument 1 of psql");
      expect((error as Error).message).not.toContain("hunter2");
    }
  });
});
