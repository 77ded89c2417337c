/** Format and level of the log, by the flags. What lines there are is record.test.ts. */
import { expect, test } from "bun:test";
import { configureTunnelLog } from "../../../../commands/tunnel/log.ts";
import { refusal } from "../../lib/identity/refusal.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const GIVEN = { "log-format": "text", quiet: [] as string[], debug: false, syslog: false };

function lines(given: Partial<typeof GIVEN>, calm = false): string {
  const { log, stderr } = fakeRuntime();
  configureTunnelLog(log, { ...GIVEN, ...given }, calm);
  for (const level of ["debug", "info", "warn", "error"] as const) log[level](level);
  return stderr.text();
}

test.each([
  ["as it is", {}, false, "info info\nwarn warn\nerror error\n"],
  ["--debug", { debug: true }, false, "debug debug\ninfo info\nwarn warn\nerror error\n"],
  ["--quiet all", { quiet: ["all"] }, false, ""],
  ["--quiet all --debug", { quiet: ["all"], debug: true }, false, ""],
  ["--quiet conns", { quiet: ["conns"] }, false, "info info\nwarn warn\nerror error\n"],
  ["--stdio", {}, true, "warn warn\nerror error\n"],
  ["--stdio --debug", { debug: true }, true, "debug debug\ninfo info\nwarn warn\nerror error\n"],
])("%s", (_flags, given, calm, expected) => expect(lines(given, calm)).toBe(expected));

test("--log-format json", () => {
  const [first] = lines({ "log-format": "json" }).split("\n");
  expect(JSON.parse(first!)).toEqual({ time: "1970-01-01T00:00:00.000Z", level: "info", message: "info" });
});

test("a wrong value is refused before anything is opened", () => {
  const wrong = (given: Partial<typeof GIVEN>) => {
    return refusal(() => configureTunnelLog(fakeRuntime().log, { ...GIVEN, syslog: true, ...given }, false));
  };
  expect(wrong({ "log-format": "xml" })).toMatchObject({ code: "usage.value", exit: 64 });
  expect(wrong({ quiet: ["nobody"] })).toMatchObject({ code: "usage.value", exit: 64 });
});
