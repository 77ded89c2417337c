/** Where a key stands in a TOML text. */

import { expect, test } from "bun:test";
import { lineOf } from "../../../../lib/command/toml-line.ts";

const TEXT = `# title
a = 1

b = [
  1,
  2, # two
]
s = """
a = 2
[t]
"""
"q u" = 1

[t.one]
x.y = 1
z = { k = 1 }
[[r]]
[[r]]
k = 1
`;

test.each([
  [["a"], 2],
  [["b"], 4],
  [["s"], 8],
  [["q u"], 12],
  [["t"], 14],
  [["t", "one"], 14],
  [["t", "one", "x", "y"], 15],
  [["t", "one", "z", "k"], 16],
  [["r", 0], 17],
  [["r", 1], 18],
  [["r", 1, "k"], 19],
  [["nowhere"], 1],
  [["toString"], 1],
])("lineOf() %j is %d", (path, line) => {
  expect(lineOf(TEXT, path)).toBe(line);
});
