/** Strict argv: what is taken, and each way to be refused. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { completeArgs, flagWords, vetArgv } from "../../../../lib/command/argv.ts";
import type { ArgDefinitions } from "../../../../lib/command/define.ts";
import { PortailError } from "../../../../lib/command/errors.ts";

const DEFINITIONS = {
  listen: { type: "string", multiple: true, alias: "l", description: "" },
  acl: { type: "string", description: "" },
  "shutdown-timeout": { type: "string", alias: "close-timeout", default: "30s", description: "" },
  quiet: { type: "boolean", alias: "q", description: "" },
  color: { type: "boolean", default: true, description: "" },
  secret: { type: "string", hidden: true, description: "" },
  policy: { type: "positional", valueHint: "POLICY", required: true, description: "The policy" },
  cases: { type: "positional", multiple: true, description: "" },
} as const satisfies ArgDefinitions;

function vet(...argv: string[]) {
  return Object.fromEntries(vetArgv(argv, DEFINITIONS));
}

function refusal(...argv: string[]): [code: string, message: string, hint: string | undefined] {
  try {
    vetArgv(argv, DEFINITIONS);
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    expect(error.exit).toBe(64);
    return [error.code, error.message, error.hint];
  }
  throw new Error(`accepted: ${argv.join(" ")}`);
}

describe("vetArgv() takes", () => {
  test("values after a space and after an equals sign, empty ones too", () => {
    expect(vet("--acl", "a", "--shutdown-timeout=b=c")).toEqual({ acl: "a", "shutdown-timeout": "b=c" });
    expect(vet("--acl=")).toEqual({ acl: "" });
  });

  test("all values of a repeatable flag, in order, by any of its names", () => {
    expect(vet("--listen", "a", "-l", "b", "--listen=c")).toEqual({ listen: ["a", "b", "c"] });
  });

  test("aliases under the name of their flag", () => {
    expect(vet("-q", "--close-timeout", "1s")).toEqual({ quiet: true, "shutdown-timeout": "1s" });
  });

  test("a flag with one dash where it is Go's, by each of its names", () => {
    const go = {
      "port-map": { type: "string", multiple: true, alias: "portMap", oneDash: true, description: "" },
      cert: { type: "string", description: "" },
    } as const;
    const values = vetArgv(["-portMap", "1", "-port-map=2", "--portMap=3"], go);
    expect(Object.fromEntries(values)).toEqual({ "port-map": ["1", "2", "3"] });
    for (const argv of [
      ["-cert", "x"],
      ["-portmap", "1"],
      ["--", "-portMap", "1"],
    ])
      expect(() => vetArgv(argv, go)).toThrow(PortailError);
  });

  test("negated booleans", () => {
    expect(vet("--no-color", "--no-quiet")).toEqual({ color: false, quiet: false });
  });

  test("positionals in order, the last one repeatable, and anything after --", () => {
    expect(vet("p", "a", "--quiet", "b")).toEqual({ policy: "p", cases: ["a", "b"], quiet: true });
    expect(vet("--", "--acl", "--a_b")).toEqual({ policy: "--acl", cases: ["--a_b"] });
  });

  test("a single dash as a value", () => {
    expect(vet("--acl", "-", "-")).toEqual({ acl: "-", policy: "-" });
  });

  test("underscores for dashes in names, never in values", () => {
    const word = fc.stringMatching(/^[a-z_]{1,8}$/);
    fc.assert(
      fc.property(word, fc.boolean(), (value, joined) => {
        const argv = joined ? [`--shutdown_timeout=${value}`] : ["--shutdown_timeout", value];
        expect(vet(...argv)).toEqual({ "shutdown-timeout": value });
      }),
    );
  });
});

describe("vetArgv() refuses", () => {
  test("an unknown flag, with the nearest name", () => {
    expect(refusal("--listne", "1")).toEqual(["usage.unknown_flag", "unknown flag --listne", "did you mean --listen?"]);
    expect(refusal("--no-colour")).toEqual([
      "usage.unknown_flag",
      "unknown flag --no-colour",
      "did you mean --no-color?",
    ]);
    expect(refusal("-z")).toEqual(["usage.unknown_flag", "unknown flag -z", undefined]);
    expect(refusal("-qz")[0]).toBe("usage.unknown_flag");
  });

  test("an unknown flag without naming hidden ones or far ones", () => {
    expect(refusal("--secrt")[2]).toBeUndefined();
    expect(refusal("--frobnicate")[2]).toBeUndefined();
  });

  test("names of Object.prototype", () => {
    expect(refusal("--constructor")[0]).toBe("usage.unknown_flag");
    expect(refusal("--__proto__=x")[0]).toBe("usage.unknown_flag");
  });

  test("a single-valued flag given twice, under any name, even when the values agree", () => {
    expect(refusal("--acl", "a", "--acl", "a")[0]).toBe("usage.repeated");
    expect(refusal("--shutdown-timeout=1s", "--close_timeout=1s")[0]).toBe("usage.repeated");
    expect(refusal("--quiet", "--no-quiet")[0]).toBe("usage.repeated");
  });

  test("a missing value, saying how to give one that begins with a dash", () => {
    expect(refusal("--acl")).toEqual(["usage.value", "--acl needs a value", "write --acl VALUE"]);
    const hint = "if --quiet is the value, write --acl=--quiet";
    expect(refusal("--acl", "--quiet")).toEqual(["usage.value", "--acl needs a value", hint]);
  });

  test("a value for a boolean, and no- for a flag with a value", () => {
    expect(refusal("--quiet=false")).toEqual(["usage.value", "--quiet takes no value", "write --quiet or --no-quiet"]);
    expect(refusal("--no-acl")[0]).toBe("usage.unknown_flag");
  });

  test("more positionals than declared", () => {
    const one = { policy: DEFINITIONS.policy };
    expect(() => vetArgv(["a", "b"], one)).toThrow('unexpected argument "b"');
  });

  test("whatever it does not take: no flag is ever dropped", () => {
    const flag = fc.stringMatching(/^--?[a-z][a-z_-]{0,10}(=[a-z]{0,3})?$/);
    fc.assert(
      fc.property(fc.array(flag, { minLength: 1, maxLength: 4 }), (argv) => {
        let values;
        try {
          values = vetArgv(argv, DEFINITIONS);
        } catch (error) {
          expect(error).toBeInstanceOf(PortailError);
          return;
        }
        expect(values.size).toBeGreaterThan(0);
      }),
    );
  });
});

describe("completeArgs()", () => {
  const complete = (...layers: Record<string, string | boolean | string[]>[]) =>
    completeArgs(DEFINITIONS, ...layers.map((layer) => new Map(Object.entries(layer))));

  test("fills in defaults, false and empty lists, and leaves the rest undefined", () => {
    expect(complete({ policy: "p" })).toEqual({
      listen: [],
      acl: undefined,
      "shutdown-timeout": "30s",
      quiet: false,
      color: true,
      secret: undefined,
      policy: "p",
      cases: [],
    });
  });

  test("lets the first layer win, list by list", () => {
    const args = complete({ policy: "p", listen: ["a"], color: false }, { listen: ["b", "c"], color: true, acl: "x" });
    expect(args).toMatchObject({ listen: ["a"], color: false, acl: "x" });
  });

  test("names what is required and missing", () => {
    expect(() => complete()).toThrow("POLICY is required");
  });
});

test("how many words a flag is, with its value", () => {
  const words = (...argv: string[]) => flagWords(argv, DEFINITIONS);
  expect([
    words("--acl", "x"),
    words("--shutdown_timeout", "1s"),
    words("--close-timeout", "1s"),
    words("-l", "x"),
  ]).toEqual([2, 2, 2, 2]);
  expect([
    words("--acl=x"),
    words("--quiet", "x"),
    words("--no-quiet"),
    words("-q"),
    words("--shutdown_timeout=1s"),
  ]).toEqual([1, 1, 1, 1, 1]);
  for (const typed of ["--no-acl", "--nothing", "--policy", "--undefined", "-x", "x", "--", "--constructor", "--l"])
    expect(words(typed)).toBe(0);
  expect(words()).toBe(0);
});
