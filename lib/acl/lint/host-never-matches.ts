/** `host-never-matches`: a text that no host can be equal to. Found at load (`acl.host_never_matches`). */
import type { Rule } from "./engine/finding.ts";

export const rule: Rule = {
  id: "host-never-matches",
  severity: "error",
  summary: "A host is compared with a text that no host can be",
  fixable: false,
  *check({ warnings }) {
    for (const { code, file, start, end, message, hint, label } of warnings)
      if (code === "acl.host_never_matches") yield { file, start, end, message, hint, label };
  },
};
