/** Shared flags: what they set up. */

import { expect, test } from "bun:test";
import { configureLog } from "../../../../lib/command/flags.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const USUAL = { "log-format": "text", quiet: false, debug: false };

test("configureLog() sets format and level", () => {
  const quiet = fakeRuntime();
  configureLog(quiet.log, { ...USUAL, "log-format": "json", quiet: true });
  quiet.log.info("no");
  quiet.log.warn("yes");
  expect(JSON.parse(quiet.stderr.text())).toMatchObject({ level: "warn", message: "yes" });

  const debug = fakeRuntime();
  configureLog(debug.log, { ...USUAL, debug: true });
  debug.log.debug("seen");
  expect(debug.stderr.text()).toBe("debug seen\n");
});

test("configureLog() refuses an unknown format, and quiet with debug", () => {
  const { log } = fakeRuntime();
  const value = expect.objectContaining({ code: "usage.value", exit: 64 });
  expect(() => configureLog(log, { ...USUAL, "log-format": "xml" })).toThrow(value);
  const conflict = expect.objectContaining({ code: "usage.conflict", exit: 64 });
  expect(() => configureLog(log, { ...USUAL, quiet: true, debug: true })).toThrow(conflict);
});
