/** Runs the cases once, writes the report, and says whether all is well. Knows no flags. */
import { type RunReport, runSuite } from "../../../lib/acl/testing/report.ts";
import type { Sources } from "../../../lib/acl/source.ts";
import { EXIT, type ExitStatus } from "../../../lib/command/errors.ts";
import type { Runtime } from "../../../lib/command/runtime.ts";
import { githubReport } from "./github.ts";
import { jsonReport } from "./json.ts";
import { junitReport } from "./junit.ts";
import { readSuite, type SuiteFiles } from "./suite.ts";
import { tapReport } from "./tap.ts";
import { coverageText, textReport } from "./text.ts";

export const FORMATS = ["text", "tap", "junit", "json", "github"] as const;
type Format = (typeof FORMATS)[number];

export interface Settings extends SuiteFiles {
  format: Format;
  failFast: boolean;
  /** Show what of the policy the cases have seen. */
  coverage: boolean;
  /** Percent; less is a failure. */
  minCoverage: number | undefined;
}

/** `reading` is told the path of each file. Throws as `readSuite` does. */
export async function runOnce(
  runtime: Runtime,
  settings: Settings,
  reading?: (path: string) => void,
): Promise<ExitStatus> {
  const { stdout, log } = runtime;
  const { failFast, minCoverage } = settings;
  const suite = await readSuite(settings, reading);
  if (suite.warnings !== "") log.warn(suite.warnings);
  const run = runSuite(settings.policy, suite, { failFast, coverage: settings.coverage || minCoverage !== undefined });
  const shown = settings.coverage ? run : { ...run, coverage: undefined };
  stdout.write(render(shown, settings.format, { color: stdout.color, sources: suite.sources }));
  const { coverage } = run;
  const isThin = coverage !== undefined && minCoverage !== undefined && coverage.percent < minCoverage;
  if (isThin) {
    const advice = settings.coverage ? "" : "; --coverage shows what is missing";
    log.error(`${coverageText(coverage)} is less than --min-coverage ${minCoverage}${advice}`);
  }
  return run.failed > 0 || isThin ? EXIT.no : EXIT.done;
}

function render(run: RunReport, format: Format, style: { color: boolean; sources: Sources }): string {
  switch (format) {
    case "text":
      return textReport(run, style);
    case "tap":
      return tapReport(run);
    case "junit":
      return junitReport(run);
    case "json":
      return jsonReport(run, style.sources);
    case "github":
      return githubReport(run, style.sources);
  }
}
