/** `unused-backend`: a backend of the configuration that no route names. Knows no configuration unless it is given. */
import type { Rule } from "./engine/finding.ts";

export const rule: Rule = {
  id: "unused-backend",
  severity: "note",
  summary: "The configuration has a backend that no route uses",
  fixable: false,
  *check({ options, policy, files }) {
    const [entry] = files;
    if (entry === undefined) return;
    for (const backend of options.backends ?? []) {
      if (policy.backends.includes(backend)) continue;
      yield {
        file: entry.source.name,
        start: 0,
        end: 0,
        message: `no route uses the backend "${backend}" of the configuration`,
        hint: `add a route with use ["${backend}"], or take the backend out`,
      };
    }
  },
};
