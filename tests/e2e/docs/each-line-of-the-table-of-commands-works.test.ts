/** The table of commands in the README: it has them all, and the line of each is run as it stands there. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { root } from "../../../cli/commands.ts";
import { Reader, READER_NEEDS } from "../../support/pages/reader.ts";
import { table } from "../../support/pages/table.ts";
import { ROOT } from "../../support/portail.ts";
import { scenario } from "../../support/scenario.ts";

/** Milliseconds. */
const PREPARING = 120_000;

/** A pipe is written with a backslash before it. */
const ROWS = readFileSync(resolve(ROOT, "README.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `portail "))
  .map((line) => line.slice(2, -2).split(/(?<!\\)\|/))
  .map((cells) => cells.map((cell) => cell.trim().replaceAll("\\|", "|")))
  .map(([command = "", purpose = "", line = ""]) => ({ text: command + purpose, line: /^`(.*)`$/.exec(line)?.[1] }));

/** What serves until it is told to end; all else ends by itself. */
const DAEMON = /^portail (?:daemon|mux (?:serve|forward)|s3crypt serve|socks --|tproxy (?:run|dns)|tunnel)/;

describe("the table", () => {
  test("names every command", () => {
    const text = ROWS.map((row) => row.text).join("\n");
    const absent = Object.keys(root.commands).filter((name) => !text.includes(`\`portail ${name}`));
    expect(absent).toEqual([]);
  });

  test("has a line for each", () => {
    expect(ROWS.filter(({ line }) => line === undefined)).toEqual([]);
  });
});

scenario(
  import.meta.file,
  [...READER_NEEDS, ...table.needs],
  ({ scene, portail }) => {
    let reader: Reader;
    beforeAll(async () => {
      reader = await table.prepare(scene, portail);
    }, PREPARING);

    // A daemon serves the lines behind it, until there is another one.
    test.each(ROWS.map(({ line }) => line!))("%s", async (line) => {
      const daemon = DAEMON.test(line);
      if (daemon) await reader.leave();
      await reader.paste({ kind: "shell", line: 0, text: `${line}${daemon ? " &" : ""}\n` });
    });

    test("what was left running ends when it is told to", () => reader.leave());
  },
  ["binary"],
);
