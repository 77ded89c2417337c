/** `host-spelling`: a host that is not written as hosts are compared: upper case, a trailing dot, another spelling of an address. */
import { canonicalHost } from "../../wire/host.ts";
import { shorten } from "../parser/cursor.ts";
import type { Rule } from "./engine/finding.ts";
import { hostLiterals } from "./engine/walk.ts";

export const rule: Rule = {
  id: "host-spelling",
  severity: "note",
  summary: "A host is not in the form in which hosts are compared",
  fixable: true,
  *check(subject) {
    for (const { file, literal, shared } of hostLiterals(subject)) {
      const text = literal.kind === "string" ? literal.value : literal.text;
      const { host } = canonicalHost(text);
      if (host === undefined || host === text) continue;
      const { start, end } = literal;
      yield {
        file,
        start,
        end,
        message: `the host "${shorten(text)}" is compared as "${host}"`,
        hint: `write "${host}"`,
        fix: shared ? undefined : { start, end, text: `"${host}"` },
      };
    }
  },
};
