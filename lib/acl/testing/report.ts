/** A run of cases as plain data: what every output format is made of. Not a format. */
import type { CheckedTest, Place } from "../model.ts";
import type { Policy } from "../policy.ts";
import type { Sources } from "../source.ts";
import { type Coverage, CoverageMeter } from "./coverage.ts";
import { expectationText, givenTexts, gotText } from "./describe.ts";
import { type CaseResult, type Part, runCase } from "./run-case.ts";
import { type Reason, reasonsOf } from "./why.ts";

export interface Where {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface CaseReport extends Where {
  readonly name: string;
  /** Undefined is a pass. */
  readonly failure: Failure | undefined;
}

export interface Failure {
  /** The parts of the expectation that were not met. */
  readonly parts: readonly Part[];
  /** `fact = value` each. */
  readonly given: readonly string[];
  readonly expected: string;
  readonly got: string;
  readonly why: readonly ReasonReport[];
}

export type ReasonReport = Omit<Reason, "place"> & Where;

export interface RunReport {
  /** The policy's path. */
  readonly policy: string;
  readonly digest: string;
  readonly cases: readonly CaseReport[];
  readonly passed: number;
  readonly failed: number;
  /** Left out after the first failure. */
  readonly notRun: number;
  readonly coverage: Coverage | undefined;
}

export interface Suite {
  readonly policy: Policy;
  readonly cases: readonly CheckedTest[];
  /** The files of the policy and of the cases. */
  readonly sources: Sources;
}

interface RunOptions {
  readonly failFast: boolean;
  readonly coverage: boolean;
}

/** Runs the cases in order. */
export function runSuite(path: string, { policy, cases, sources }: Suite, options: RunOptions): RunReport {
  const meter = options.coverage ? new CoverageMeter(policy) : undefined;
  const reports: CaseReport[] = [];
  let failed = 0;
  for (const test of cases) {
    const result = runCase(policy, test);
    meter?.note(result.hops);
    reports.push(reportOf(policy, result, sources));
    if (result.failed.length > 0) failed++;
    if (failed > 0 && options.failFast) break;
  }
  return {
    policy: path,
    digest: policy.digest,
    cases: reports,
    passed: reports.length - failed,
    failed,
    notRun: cases.length - reports.length,
    coverage: meter?.report(),
  };
}

/** The line of a place in one of the files. */
export function whereIs({ file, start }: Place, sources: Sources): Where {
  return { file, line: sources.get(file)?.position(start).line ?? 1 };
}

function reportOf(policy: Policy, result: CaseResult, sources: Sources): CaseReport {
  const { test, failed: parts } = result;
  const failure: Failure | undefined =
    parts.length === 0
      ? undefined
      : {
          parts,
          given: givenTexts(test),
          expected: expectationText(test.expect),
          got: gotText(result),
          why: reasonsOf(policy, result).map(({ place, ...reason }) => ({ ...reason, ...whereIs(place, sources) })),
        };
  return { name: test.name, ...whereIs(test.place, sources), failure };
}
