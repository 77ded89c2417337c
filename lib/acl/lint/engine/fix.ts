/** Applies the fixes of findings until none is left, in memory. Changes no decision, and writes no file. */
import { type LoadOptions, loadPolicy, type ReadFile } from "../../load.ts";
import { BUILTIN_SAMPLE } from "../../sample.ts";
import { applyEdits } from "./edits.ts";
import type { Finding } from "./finding.ts";
import { lint, type RunOptions } from "./lint.ts";

/** Fixes may make room for others; more rounds than this are never needed in practice. */
const MAX_ROUNDS = 50;

interface Fixed {
  /** New texts by the file's name; only files that change. */
  readonly texts: ReadonlyMap<string, string>;
  readonly applied: number;
}

/** Fixes the policy set that `loadPolicy(entry, read, load)` loads, which must be without errors. */
export function fixPolicy(entry: string, read: ReadFile, load: LoadOptions, options: RunOptions): Fixed {
  const texts = new Map<string, string>();
  let applied = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const loaded = loadPolicy(entry, (path, from) => texts.get(path) ?? read(path, from), load);
    if (loaded.policy === undefined) throw new Error(`${JSON.stringify(entry)} is broken`);
    const edits = editsByFile(lint(loaded, options));
    if (edits.size === 0) break;
    for (const [file, list] of edits) {
      const result = applyEdits(loaded.sources.get(file)!.text, list);
      texts.set(file, result.text);
      applied += result.applied;
    }
  }
  return { texts, applied };
}

/** Suppressed findings stay as they are, and so does what is built in. */
function editsByFile(findings: readonly Finding[]): Map<string, NonNullable<Finding["fix"]>[]> {
  const edits = new Map<string, NonNullable<Finding["fix"]>[]>();
  for (const { file, fix, suppressed } of findings) {
    if (fix === undefined || suppressed !== undefined || file === BUILTIN_SAMPLE) continue;
    const list = edits.get(file);
    if (list === undefined) edits.set(file, [fix]);
    else list.push(fix);
  }
  return edits;
}
