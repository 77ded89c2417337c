/** From policy files to a report and an exit status: reads, fixes, lints. Knows no format. */
import type { Diagnostic } from "../../../lib/acl/diagnostic.ts";
import { fixPolicy } from "../../../lib/acl/lint/engine/fix.ts";
import { type Finding, SEVERITIES, type Severity } from "../../../lib/acl/lint/engine/finding.ts";
import { lint, type RunOptions } from "../../../lib/acl/lint/engine/lint.ts";
import type { Sources } from "../../../lib/acl/source.ts";
import { EXIT, type ExitStatus } from "../../../lib/command/errors.ts";
import type { Runtime } from "../../../lib/command/runtime.ts";
import { replaceFile } from "../../../lib/command/write-file.ts";
import { loadAll, type LoadedPolicy, reader } from "./load.ts";

/** The findings of one policy set, suppressed ones included. */
interface Linted {
  readonly findings: readonly Finding[];
  readonly sources: Sources;
}

export type Format = (linted: readonly Linted[], runtime: Runtime) => string;

interface Settings {
  readonly policies: readonly string[];
  readonly format: Format;
  /** What standard output is to be where a policy is broken; without it, empty. */
  readonly broken: ((diagnostics: readonly Diagnostic[]) => string) | undefined;
  readonly failOn: Severity | "never";
  readonly fix: boolean;
  readonly backends: readonly string[] | undefined;
  readonly run: RunOptions;
}

/** Throws `PortailError` (65, 66, 73). With `fix`, nothing is written if one of the policies is broken. */
export async function lintPolicies(runtime: Runtime, settings: Settings): Promise<ExitStatus> {
  const options: RunOptions = { ...settings.run, backends: settings.backends };
  const { broken } = settings;
  const refused = broken && ((found: readonly Diagnostic[]) => void runtime.stdout.write(broken(found)));
  let loaded = loadAll(runtime, settings.policies, settings.backends, refused);
  if (settings.fix) {
    const applied = loaded.reduce((sum, one) => sum + repair(runtime, one, options), 0);
    if (applied > 0) loaded = loadAll(runtime, settings.policies, settings.backends, refused);
  }
  const linted = loaded.map((one) => ({ findings: lint(one, options), sources: one.sources }));
  runtime.stdout.write(settings.format(linted, runtime));
  await runtime.stdout.flush();
  const open = linted.flatMap(({ findings }) => findings).filter(({ suppressed }) => suppressed === undefined);
  const { failOn } = settings;
  return failOn !== "never" && open.some(({ severity }) => rank(severity) >= rank(failOn)) ? EXIT.no : EXIT.done;
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

function repair(runtime: Runtime, { entry, options }: LoadedPolicy, run: RunOptions): number {
  const read = reader(runtime);
  const { texts, applied } = fixPolicy(entry, read.file, options, run);
  for (const [file, text] of texts) replaceFile(read.path(file), text, "acl.cannot_write");
  if (applied > 0) {
    const files = [...texts.keys()].map((file) => JSON.stringify(file)).join(", ");
    runtime.stderr.write(
      `portail acl lint: ${applied === 1 ? "one finding" : `${applied} findings`} fixed in ${files}\n`,
    );
  }
  return applied;
}
