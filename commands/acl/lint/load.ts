/** Reads the policies that are to be linted, and refuses those that are broken. Lints nothing. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Diagnostic } from "../../../lib/acl/diagnostic.ts";
import type { Loaded } from "../../../lib/acl/lint/engine/subject.ts";
import { type LoadOptions, loadPolicy } from "../../../lib/acl/load.ts";
import { renderDiagnostics } from "../../../lib/acl/render.ts";
import type { Sources } from "../../../lib/acl/source.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Runtime } from "../../../lib/command/runtime.ts";

export interface LoadedPolicy extends Loaded {
  /** As it was named. */
  readonly entry: string;
  readonly sources: Sources;
  readonly options: LoadOptions;
}

/** How the names of files become paths and contents. */
export function reader({ cwd }: Pick<Runtime, "cwd">): {
  path: (file: string) => string;
  file: (file: string) => Uint8Array;
} {
  const path = (file: string): string => resolve(cwd, file);
  return {
    path,
    file(file) {
      try {
        return readFileSync(path(file));
      } catch (error) {
        throw new Error((error as { code?: string }).code ?? String(error), { cause: error });
      }
    },
  };
}

/**
 * Throws `PortailError`: `acl.unreadable` (66), `acl.invalid` (65) with the diagnostics of all broken ones, which
 * `refused` is given before.
 */
export function loadAll(
  runtime: Pick<Runtime, "cwd">,
  entries: readonly string[],
  backends: readonly string[] | undefined,
  refused: (diagnostics: readonly Diagnostic[]) => void = () => {},
): LoadedPolicy[] {
  const options: LoadOptions = backends === undefined ? {} : { backends };
  const broken: string[] = [];
  const details: string[] = [];
  const all: Diagnostic[] = [];
  const loaded = entries.flatMap((entry): LoadedPolicy[] => {
    const { policy, files, diagnostics, sources } = loadPolicy(entry, reader(runtime).file, options);
    const [first] = diagnostics;
    if (first?.code === "acl.read_failed" && files.length === 0) throw unreadable(entry, first.message);
    if (policy !== undefined) return [{ policy, files, diagnostics, entry, sources, options }];
    broken.push(JSON.stringify(entry));
    details.push(renderDiagnostics(diagnostics, sources));
    all.push(...diagnostics);
    return [];
  });
  if (broken.length === 0) return loaded;
  refused(all);
  throw new PortailError(
    broken.length === 1 ? `the policy ${broken[0]} is broken` : `the policies ${broken.join(", ")} are broken`,
    {
      code: "acl.invalid",
      exit: EXIT.badData,
      hint: "lint looks at policies that load; the language is described in lib/acl/GRAMMAR.md",
      detail: details.join("\n\n"),
    },
  );
}

function unreadable(entry: string, message: string): PortailError {
  return new PortailError(message, {
    code: "acl.unreadable",
    exit: EXIT.noInput,
    ...(entry === "-" && { hint: "standard input has no name to report findings in: name a file" }),
  });
}
