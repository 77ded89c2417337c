/** The command line, the choice by name, and the command that starts portail. */
import { describe, expect, test } from "bun:test";
import { PortailError } from "../../../../lib/command/errors.ts";
import { parseOptions, select } from "../../../bench/support/options.ts";
import { contenders, fillCommand } from "../../../bench/support/peers.ts";
import { ROWS } from "../../../bench/support/rows.ts";

const everyone = contenders("portail PORT");
const menu = { contenders: everyone, rows: ROWS, silent: true };

describe("parseOptions", () => {
  test("takes five rounds of everything with the binary by default", () => {
    expect(parseOptions([], "socks PORT")).toMatchObject({ rounds: 5, quick: false, only: [], custom: false });
    expect(parseOptions([], "socks PORT").command).toBe("dist/portail socks PORT");
    expect(parseOptions([], "").command).toBe("dist/portail");
    expect(parseOptions(["--portail", "source"], "socks PORT").command).toContain("cli/main.ts");
  });

  test("takes a command of one's own", () => {
    expect(parseOptions(["--portail-command", "x PORT"], "socks PORT")).toMatchObject({
      command: "x PORT",
      custom: true,
    });
  });

  test("collects names from repeated and comma-separated flags, in any case", () => {
    expect(parseOptions(["--only", "SOCKS,rate", "--only", "squid"], "socks PORT").only).toEqual([
      "socks",
      "rate",
      "squid",
    ]);
  });

  test.each([[["--rounds", "0"]], [["--rounds", "two"]], [["--portail", "other"]], [["--nope"]], [["stray"]]])(
    "refuses %p",
    (argv) => {
      expect(() => parseOptions(argv, "socks PORT")).toThrow(PortailError);
    },
  );
});

describe("select", () => {
  test("is everything when nothing is named", () => {
    expect(select([], menu)).toEqual({ contenders: everyone, rows: [...ROWS], silent: true });
  });

  test("leaves the other kind whole", () => {
    const byRow = select(["rate"], menu);
    expect(byRow.rows.map(({ name }) => name)).toEqual(["rate"]);
    expect(byRow.contenders).toEqual(everyone);
    expect(byRow.silent).toBe(false);
    const byName = select(["portail", "squid"], menu);
    expect(byName.contenders.map(({ family, name }) => `${family} ${name}`)).toEqual([
      "SOCKS portail",
      "CONNECT portail",
      "CONNECT squid",
    ]);
    expect(byName.rows).toEqual([...ROWS]);
    expect(byName.silent).toBe(true);
  });

  test("takes a family by its name", () => {
    expect(select(["socks"], menu).contenders.map(({ name }) => name)).toEqual(["portail", "microsocks", "danted"]);
  });

  test("silent clients are a row only where there are some", () => {
    const without = { ...menu, silent: false };
    expect(select([], without).silent).toBe(false);
    expect(() => select(["silent"], without)).toThrow(PortailError);
  });

  test("an unknown name is an error with the nearest one", () => {
    expect(() => select(["tinyprox"], menu)).toThrow(expect.objectContaining({ hint: "did you mean tinyproxy?" }));
  });
});

test("a command's words are filled in", () => {
  const link = { listen: 2, dial: 2, resume: false };
  const where = { port: 1080, targetPort: 7, link, dir: "/d" };
  expect(fillCommand("p socks --listen 127.0.0.1:PORT  --acl ACL TARGET", where)).toEqual([
    "p",
    "socks",
    "--listen",
    "127.0.0.1:1080",
    "--acl",
    "/d/bench.acl",
    "7",
  ]);
});

test("every contender that is started is started on the port that it is given, on loopback", () => {
  for (const { name, setup } of everyone) {
    if (setup === undefined) continue;
    const link = { listen: 2, dial: 2, resume: false };
    const { daemons, files } = setup({ port: 54_321, targetPort: 1234, link, dir: "/d" });
    const text = [...daemons.flatMap(({ argv }) => argv), ...Object.values(files)].join(" ");
    expect([name, daemons.map(({ port }) => port)]).toEqual([name, [54_321]]);
    expect([name, text.includes("54321")]).toEqual([name, true]);
  }
});
