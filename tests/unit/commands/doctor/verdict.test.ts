/** What findings come to for the commands that were named, and how that is printed. */
import { describe, expect, test } from "bun:test";
import { COMMANDS, verdictOf, type Finding } from "../../../../commands/doctor/finding.ts";
import { reportJson, reportText } from "../../../../commands/doctor/report.ts";

const FINE: Finding = {
  code: "a.fine",
  state: "ok",
  topic: "fine",
  text: "it is there",
  means: "all is well",
  commands: ["socks", "tproxy"],
};
const BAD: Finding = {
  code: "b.bad",
  state: "note",
  topic: "bad",
  text: "it is not there, and this goes on for so long that it takes a second line of the report",
  means: "no capture",
  advice: "install it",
  commands: ["tproxy"],
  stops: ["tproxy"],
};
const REFUSED: Finding = { ...FINE, code: "c.refused", state: "warn", commands: COMMANDS, refuses: true };

describe("the verdict", () => {
  test("nothing is asked for where nothing is named", () => {
    const { findings, about, stopped, impossible } = verdictOf([FINE, BAD], []);
    expect(findings).toEqual([FINE, BAD]);
    expect(about).toEqual(COMMANDS);
    expect(stopped).toEqual([{ command: "tproxy", codes: ["b.bad"] }]);
    expect(impossible).toBe(false);
  });

  test("a named command that is stopped is impossible, and the note is a warning", () => {
    const { findings, impossible } = verdictOf([FINE, BAD], ["tproxy"]);
    expect(findings).toEqual([FINE, { ...BAD, state: "warn" }]);
    expect(impossible).toBe(true);
  });

  test("what is about other commands is left out", () => {
    const { findings, stopped, impossible } = verdictOf([FINE, BAD], ["socks"]);
    expect({ findings, stopped, impossible }).toEqual({ findings: [FINE], stopped: [], impossible: false });
  });

  test("what a flag asked for is impossible without any name", () => {
    const { refused, impossible } = verdictOf([FINE, REFUSED], []);
    expect({ refused, impossible }).toEqual({ refused: ["c.refused"], impossible: true });
  });
});

describe("the report", () => {
  test("is aligned, wrapped, and ends with what cannot work", () => {
    expect(reportText(verdictOf([FINE, BAD], ["socks", "tproxy"]), true, 60)).toBe(
      [
        "ok    fine          it is there: all is well",
        "warn  bad           it is not there, and this goes on for so",
        "                    long that it takes a second line of the",
        "                    report: no capture",
        "                    hint: install it",
        "",
        "portail socks can work here",
        "portail tproxy cannot work here: b.bad",
        "",
      ].join("\n"),
    );
  });

  test("has no end where nothing is named and nothing is stopped", () => {
    expect(reportText(verdictOf([FINE], []), false)).toBe("ok    fine          it is there: all is well\n");
  });

  test("says what a flag asked for in vain", () => {
    const text = reportText(verdictOf([REFUSED], ["socks"]), true);
    expect(text).toEndWith("\n\nwhat was asked for cannot be: c.refused\n");
  });

  test("obeys nothing that the machine says", () => {
    const text = reportText(verdictOf([{ ...FINE, text: "a\u001b[2J\nok    b" }], []), false);
    expect(text.split("\n")).toHaveLength(2);
    expect(text).not.toContain("\u001b");
  });

  test("as JSON is one line with codes, states and who is stopped", () => {
    const json = reportJson(verdictOf([BAD], ["tproxy"]), "1.2.3");
    expect(json).toEndWith("}\n");
    expect(JSON.parse(json)).toEqual({
      v: 1,
      version: "1.2.3",
      commands: ["tproxy"],
      impossible: true,
      stopped: [{ command: "tproxy", codes: ["b.bad"] }],
      refused: [],
      findings: [{ ...BAD, state: "warn" }],
    });
  });
});
