/** A run of cases as one JSON document. Key names are part of the interface. */
import { type RunReport, whereIs } from "../../../lib/acl/testing/report.ts";
import type { Sources } from "../../../lib/acl/source.ts";

/** Ends with a line feed. */
export function jsonReport(run: RunReport, sources: Sources): string {
  const { policy, digest, passed, failed, notRun, coverage } = run;
  const document = {
    policy,
    policies: digest,
    passed,
    failed,
    notRun,
    cases: run.cases.map(({ name, file, line, failure }) => {
      const status = failure === undefined ? "passed" : "failed";
      return { name, file, line, status, ...failure };
    }),
    ...(coverage && {
      coverage: {
        percent: coverage.percent,
        covered: coverage.covered,
        total: coverage.total,
        blocks: coverage.blocks.map(({ place, clauses, ...block }) => ({
          ...block,
          ...whereIs(place, sources),
          clauses: clauses.map(({ kind, place: at, sawTrue, sawFalse }) => ({
            kind,
            ...whereIs(at, sources),
            sawTrue,
            sawFalse,
          })),
        })),
      },
    }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
