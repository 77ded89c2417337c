/** A module that answers, refuses, throws, loops, ends its thread or says nonsense; and one that is none. */
import { afterAll, describe, expect, test } from "bun:test";
import type { Question } from "../../../../lib/identity/verifier.ts";
import { Verifier } from "../../../../lib/service/verifier.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

const MODULE = `
import type { Question, Verdict } from "./types-that-are-not-there.ts";
import { word } from "./part.ts";
const ways: Record<string, (question: Question) => unknown> = {
  check: () => "check",
  accept: async () => "accept",
  refuse: () => ({ refuse: word }),
  throw: () => { throw new Error("broken"); },
  loop: () => { for (;;); },
  never: () => new Promise(() => {}),
  exit: () => process.exit(0),
  nothing: () => undefined,
  yes: () => true,
  more: () => ["accept"],
  chain: ({ chain, names, facts }) => ({ refuse: JSON.stringify([chain[0]!.length, names.dns, facts]) }),
};
export default (question: Question): Verdict => ways[question.serverName]!(question) as Verdict;
`;
const path = scene.write("verifier.ts", MODULE);
scene.write("part.ts", `export const word: string = "not today";\n`);

const question = (serverName: string): Question => ({
  chain: [new Uint8Array(5)],
  names: { dns: ["a.example"], ip: [], uri: [], email: [] },
  subject: "CN=a",
  serverName,
  facts: { "client.uid": 7 },
});

describe("a verifier", async () => {
  const verifier = await Verifier.open(path, 300);
  afterAll(() => verifier.close());
  const refused = (reason: string, message: string) => ({ verdict: "refuse", reason, message });

  test.each([
    ["check", { verdict: "check" }],
    ["accept", { verdict: "accept" }],
    ["refuse", refused("verifier_refused", 'the verifier says "not today"')],
    ["chain", refused("verifier_refused", String.raw`the verifier says "[5,[\"a.example\"],{\"client.uid\":7}]"`)],
    ["throw", refused("verifier_failed", 'the verifier failed: it threw "Error: broken"')],
    ["nothing", refused("verifier_failed", "the verifier failed: it answered with no verdict")],
    ["yes", refused("verifier_failed", "the verifier failed: it answered with no verdict")],
    ["more", refused("verifier_failed", "the verifier failed: it answered with no verdict")],
    ["never", refused("verifier_timeout", "the verifier took longer than 300 ms")],
    ["loop", refused("verifier_timeout", "the verifier took longer than 300 ms")],
    ["exit", refused("verifier_failed", "the verifier failed: it ended its thread")],
  ])("that is to %s", async (way, verified) => {
    expect<unknown>(await verifier.ask(question(way))).toEqual(verified);
  });

  test("answers others while one loops", async () => {
    const looping = verifier.ask(question("loop"));
    const others = await Promise.all(["accept", "check"].map((way) => verifier.ask(question(way))));
    expect(others).toEqual([{ verdict: "accept" }, { verdict: "check" }]);
    expect(await looping).toMatchObject({ reason: "verifier_timeout" });
  });
});

test("one that is retired answers who waits", async () => {
  const verifier = await Verifier.open(path, 5000);
  const asked = verifier.ask(question("accept"));
  verifier.retire();
  expect(await asked).toEqual({ verdict: "accept" });
});

test.each([
  ["nowhere.ts", undefined],
  ["syntax.ts", "export default function ("],
  ["empty.ts", "export const verify = () => 'check';"],
  ["throws.ts", "throw new Error('at once');"],
])("%s cannot be used", async (name, text) => {
  const file = text === undefined ? scene.path(name) : scene.write(name, text);
  const failure = await Verifier.open(file, 300).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "verifier.unusable", exit: 65 });
});
