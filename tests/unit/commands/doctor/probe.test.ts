/** Programs that answer, that fail, that are not there, and that never end: each has an answer. */
import { expect, test } from "bun:test";
import { probe } from "../../../../commands/doctor/probe.ts";

test("what a program says, and its status", async () => {
  const answer = await probe(["/bin/sh", "-c", "cat; echo wrong >&2; exit 3"], "given");
  expect(answer).toEqual({ status: 3, stdout: "given", stderr: "wrong" });
});

test("it sees nothing of our environment", async () => {
  process.env["PORTAIL_OF_THE_TEST"] = "seen";
  const { stdout } = await probe(["/usr/bin/env"]);
  expect(stdout).not.toContain("seen");
});

test("one that is not there", async () => {
  const { status, stderr } = await probe(["/nowhere/program"]);
  expect(status).toBe(-1);
  expect(stderr).toContain("/nowhere/program");
});

test.each([
  ["one that never ends", "exec sleep 1000"],
  ["one that leaves its output to another", "sleep 4 & exec sleep 1000"],
])("%s", async (_, script) => {
  const answer = await probe(["/bin/sh", "-c", script], "", 100);
  expect(answer).toEqual({ status: -1, stdout: "", stderr: "no answer within 0.1 s" });
});
