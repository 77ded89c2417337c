/** Runs the rules over a loaded policy set: findings in the order of the files, suppressed ones marked. Reads and prints nothing. */
import type { Finding, Report, Rule } from "./finding.ts";
import { LAST, RULE_IDS, RULES } from "./rules.ts";
import { Source } from "../../source.ts";
import { type Loaded, type LintOptions, Subject } from "./subject.ts";
import { Suppressions } from "./suppressions.ts";

export interface RunOptions extends LintOptions {
  /** Ids of the rules that run; all of them if left out. */
  readonly only?: readonly string[] | undefined;
  /** Ids of rules that do not run. */
  readonly disabled?: readonly string[] | undefined;
}

/**
 * All findings. Costs: each rule is linear in the text or n log n in the number of policies, entries and names; what
 * compares pairs does so for a bounded number of them, and says nothing about the rest.
 */
export function lint(loaded: Loaded, options: RunOptions = {}): Finding[] {
  const rules = RULES.filter(({ id }) => runs(id, options));
  const suppressions = new Suppressions(loaded.files, RULE_IDS, (id) => runs(id, options));
  const subject = new Subject(loaded, options, suppressions);
  const found = rules.filter((rule) => rule !== LAST).flatMap((rule) => findingsOf(rule, subject));
  if (rules.includes(LAST)) found.push(...findingsOf(LAST, subject));
  return placed(found, subject);
}

const runs = (id: string, { only, disabled }: RunOptions): boolean =>
  (only?.includes(id) ?? true) && disabled?.includes(id) !== true;

interface Found {
  readonly rule: Rule;
  readonly report: Report;
  readonly suppressed: string | undefined;
}

function findingsOf(rule: Rule, subject: Subject): Found[] {
  const found: Found[] = [];
  // A comment cannot excuse itself.
  const own = rule.id.endsWith("-suppression");
  for (const report of rule.check(subject)) {
    const suppressed = own ? undefined : subject.suppressions.reasonFor(rule.id, report.file, report.start);
    found.push({ rule, report, suppressed });
  }
  return found;
}

/** Ends are counted on a source of their own, since columns are cheap only in ascending order. */
function placed(found: readonly Found[], { program, files }: Subject): Finding[] {
  const order = new Map([...program.sources.keys()].map((name, i) => [name, i]));
  const ends = new Map(files.map(({ source }) => [source.name, new Source(source.name, source.text)]));
  const sorted = found.toSorted(
    (x, y) => order.get(x.report.file)! - order.get(y.report.file)! || x.report.start - y.report.start,
  );
  return sorted.map(({ rule, report, suppressed }) => {
    const start = program.sources.get(report.file)!.position(report.start);
    const end = (ends.get(report.file) ?? program.sources.get(report.file)!).position(report.end);
    return {
      ...report,
      rule: rule.id,
      severity: rule.severity,
      ...start,
      endLine: end.line,
      endColumn: end.column,
      suppressed,
    };
  });
}
