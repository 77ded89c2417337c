/** What a command line that is not finished has so far. */

import { expect, test } from "bun:test";
import { readWords } from "../../../../cli/completion/words.ts";
import type { ArgDefinitions } from "../../../../lib/command/define.ts";

const ARGS: ArgDefinitions = {
  listen: { type: "string", multiple: true, alias: "address", description: "Where" },
  config: { type: "string", alias: "c", description: "File" },
  "drain-fast": { type: "boolean", default: true, description: "Fast" },
  policy: { type: "positional", description: "Policy" },
  cases: { type: "positional", multiple: true, description: "Cases" },
};

const read = (line: string) => {
  const { given, pending, ...rest } = readWords(line.split(" ").filter(Boolean), ARGS);
  return { given: Object.fromEntries(given), pending: pending?.[0], ...rest };
};

test.each([
  ["", { given: {}, pending: undefined, positionals: 0, dashes: false }],
  ["--listen a --address=b=c", { given: { listen: ["a", "b=c"] }, pending: undefined, positionals: 0, dashes: false }],
  ["-c", { given: {}, pending: "config", positionals: 0, dashes: false }],
  ["--listen", { given: {}, pending: "listen", positionals: 0, dashes: false }],
  [
    "--no-drain-fast p",
    { given: { "drain-fast": [], policy: ["p"] }, pending: undefined, positionals: 1, dashes: false },
  ],
  ["--drain_fast --other", { given: { "drain-fast": [] }, pending: undefined, positionals: 0, dashes: false }],
  ["p a b", { given: { policy: ["p"], cases: ["a", "b"] }, pending: undefined, positionals: 3, dashes: false }],
  ["-", { given: { policy: ["-"] }, pending: undefined, positionals: 1, dashes: false }],
  ["-- --listen", { given: { policy: ["--listen"] }, pending: undefined, positionals: 1, dashes: true }],
])("%j", (line, expected) => {
  expect(read(line)).toEqual(expected);
});
