/** The log: formats, levels, and that what is logged cannot forge lines or drive a terminal. */

import { describe, expect, test } from "bun:test";
import { createLogger, printable } from "../../../../lib/command/log.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

function logged(options: { columns?: number; env?: Record<string, string>; stamped?: boolean } = {}) {
  const { stderr } = fakeRuntime(options);
  const log = createLogger({ stderr, stamped: options.stamped ?? false, now: () => new Date(0) });
  return { log, text: () => stderr.text() };
}

describe("a text line", () => {
  test("has level, message and fields; words stand bare, other text is quoted", () => {
    const { log, text } = logged();
    log.info("listening", {
      address: "127.0.0.1:1080",
      count: 2,
      note: 'a "b"',
      empty: "",
      list: ["x"],
      none: undefined,
    });
    expect(text()).toBe(
      'info listening address=127.0.0.1:1080 count=2 note="a \\"b\\"" empty="" list=["x"] none=undefined\n',
    );
  });

  test("begins with the time where nothing else stamps it", () => {
    const { log, text } = logged({ stamped: true });
    log.warn("careful");
    expect(text()).toBe("1970-01-01T00:00:00.000Z warn careful\n");
  });

  test("is coloured on a terminal, unless NO_COLOR has any value", () => {
    const colored = logged({ columns: 80 });
    colored.log.error("x");
    expect(colored.text()).toBe("\u001b[31merror\u001b[39m x\n");
    const plain = logged({ columns: 80, env: { NO_COLOR: "0" } });
    plain.log.error("x");
    expect(plain.text()).toBe("error x\n");
  });

  test("cannot be forged by what a peer sent, nor drive the terminal", () => {
    const { log, text } = logged();
    log.info("denied \u001b[2J", { host: "a\ninfo allowed host=b", title: "\u001b]0;x\u0007" });
    expect(text().split("\n")).toHaveLength(2);
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

test("json lines parse back to what was logged", () => {
  const { log, text } = logged();
  log.configure({ format: "json" });
  log.warn("two\nlines", { host: "a b" });
  expect(JSON.parse(text())).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "two\nlines",
    host: "a b",
  });
});

test("configure() changes the least level and keeps the format", () => {
  const { log, text } = logged();
  log.debug("no");
  log.configure({ format: "json", level: "debug" });
  log.debug("yes");
  log.configure({ level: "warn" });
  log.info("no");
  log.warn("yes");
  log.error("yes");
  const lines = text().trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(["debug", "warn", "error"]);
});

test("configure() sends lines elsewhere, without what the receiver says itself", () => {
  const { log, text } = logged({ columns: 80, stamped: true });
  const lines: string[] = [];
  log.configure({ lines: (level, line) => lines.push(`${level}|${line}`) });
  log.warn("careful", { host: "a\nb" });
  log.configure({ format: "json" });
  log.info("x");
  expect(lines).toEqual([
    'warn|careful host="a\\nb"',
    'info|{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"x"}',
  ]);
  expect(text()).toBe("");
});

test("printable() keeps tabs, newlines and letters, and shows other controls", () => {
  expect(printable("é\t\n\u001b[0m\u009b\u2028\r")).toBe("é\t\n\\u001b[0m\\u009b\\u2028\\u000d");
  expect(printable("שלום \u202e\u2066\u200f")).toBe("שלום \\u202e\\u2066\\u200f");
});
