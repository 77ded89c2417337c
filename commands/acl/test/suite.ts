/** Reads what is to be run: a policy with its test blocks, and files of cases beside it. Runs nothing. */
import { readFileSync } from "node:fs";
import type { CheckedTest } from "../../../lib/acl/model.ts";
import { renderDiagnostics } from "../../../lib/acl/render.ts";
import type { Source } from "../../../lib/acl/source.ts";
import type { Suite } from "../../../lib/acl/testing/report.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { readPolicy } from "../../../lib/service/policy-file.ts";

export interface SuiteFiles {
  /** A path, or `builtin:sample`. */
  policy: string;
  /** Cases in TOML. */
  cases: readonly string[];
  /** Keep the cases whose name holds this. */
  filter: string | undefined;
}

interface ReadSuite extends Suite {
  /** About the policy, rendered; empty where there are none. */
  readonly warnings: string;
}

/**
 * Reads the files; `reading` is told the path of each. Throws `PortailError`: 66 for a file that cannot be read, 65 for
 * one that is broken, and where there is no case to be run: what tests nothing must not pass.
 */
export async function readSuite(files: SuiteFiles, reading?: (path: string) => void): Promise<ReadSuite> {
  const { policy, warnings } = readPolicy(files.policy, { backends: "any", ...(reading && { reading }) });
  const sources = new Map(policy.program.sources);
  const cases = [...policy.program.tests];
  for (const path of files.cases) {
    reading?.(path);
    const { source, tests } = await readCases(path, policy.policyNames);
    sources.set(path, source);
    cases.push(...tests);
  }
  const { filter } = files;
  const kept = filter === undefined ? cases : cases.filter(({ name }) => name.includes(filter));
  if (kept.length === 0) throw nothingToRun(files, cases.length);
  return { policy, cases: kept, sources, warnings };
}

async function readCases(
  path: string,
  policies: readonly string[],
): Promise<{ source: Source; tests: readonly CheckedTest[] }> {
  const text = readText(path);
  const { parseCases } = await import("./cases-file.ts");
  const { source, tests, diagnostics } = parseCases(text, path, policies);
  if (diagnostics.length === 0) return { source, tests };
  const count = diagnostics.length === 1 ? "an error" : `${diagnostics.length} errors`;
  throw new PortailError(`the cases file ${JSON.stringify(path)} has ${count}`, {
    code: "acl.cases_invalid",
    exit: EXIT.badData,
    hint: '"portail acl test --help" shows the keys of a cases file',
    detail: renderDiagnostics(diagnostics, new Map([[path, source]])),
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = (error as { code?: string }).code ?? String(error);
    throw new PortailError(`cannot read the cases file ${JSON.stringify(path)}: ${reason}`, {
      code: "acl.cases_unreadable",
      exit: EXIT.noInput,
      cause: error,
    });
  }
}

function nothingToRun({ policy, filter }: SuiteFiles, found: number): PortailError {
  const of = JSON.stringify(policy);
  const [message, hint] =
    found === 0
      ? [
          `there is no case to test ${of} with`,
          'add a block such as test "…" { … } to the policy, or name a file of cases',
        ]
      : [`none of the ${found} cases has ${JSON.stringify(filter)} in its name`, "give another --filter, or none"];
  return new PortailError(message, { code: "acl.no_cases", exit: EXIT.badData, hint });
}
