/** Suppressing comments. */
import { expect, test } from "bun:test";
import { suppressionsOf } from "../../../../lib/acl/suppress.ts";
import { loadText } from "./support.ts";

test("rules and reasons are read from the comments of a file", () => {
  const { files } = loadText(`# lint-allow unreachable: kept for the audit
policy a { action allow } // lint-allow a-rule, b-rule
# lint-allowed is another word
# a comment
#lint-allow:why`);
  const found = suppressionsOf(files[0]!.comments);
  expect(found).toMatchObject([
    { rules: ["unreachable"], reason: "kept for the audit", start: 0, end: 44 },
    { rules: ["a-rule", "b-rule"], reason: "" },
    { rules: [], reason: "why" },
  ]);
});
