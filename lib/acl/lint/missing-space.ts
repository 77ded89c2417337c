/** `missing-space`: words written without a blank between them. Found at load (`acl.missing_space`). */
import type { Edit, Rule } from "./engine/finding.ts";

const KEYWORDS = ["policy", "route", "when", "allow", "deny", "and", "or", "not", "in"] as const;

export const rule: Rule = {
  id: "missing-space",
  severity: "note",
  summary: "Words are glued together and were taken apart",
  fixable: true,
  *check(subject) {
    for (const { code, file, start, end, message, hint } of subject.warnings) {
      if (code !== "acl.missing_space") continue;
      const word = subject.textOf({ file }).slice(start, end);
      yield { file, start, end, message, hint, fix: fixOf(start, message, word) };
    }
  },
};

/** The loader says as which keyword it read the beginning of the word. */
function fixOf(start: number, message: string, word: string): Edit | undefined {
  const keyword = KEYWORDS.find((one) => word.startsWith(one) && message.includes(` as "${one}" and "`));
  return keyword && { start: start + keyword.length, end: start + keyword.length, text: " " };
}
