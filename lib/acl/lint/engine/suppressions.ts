/** The suppressing comments of a policy set: what each is about, and which were of use. Their syntax is suppress.ts's. */
import { nearest } from "../../../command/nearest.ts";
import type { Item } from "../../ast.ts";
import type { Span } from "../../diagnostic.ts";
import type { LoadedFile } from "../../load.ts";
import { suppressionsOf, type Suppression } from "../../suppress.ts";

interface PlacedSuppression extends Suppression {
  readonly file: string;
  /** Findings that begin in it are suppressed: the block that the comment stands in, behind or above. */
  readonly covers: Span | undefined;
  /** Why it is not heeded. */
  readonly trouble: string | undefined;
}

export class Suppressions {
  readonly all: readonly PlacedSuppression[];
  readonly #byFile = new Map<string, PlacedSuppression[]>();
  readonly #used = new Set<string>();
  readonly #judged: (rule: string) => boolean;

  /** `known` are the ids of all rules, `judged` says which of them run. */
  constructor(files: readonly LoadedFile[], known: readonly string[], judged: (rule: string) => boolean) {
    this.#judged = judged;
    this.all = files.flatMap((file) => placed(file, known));
    for (const one of this.all) {
      const list = this.#byFile.get(one.file);
      if (list === undefined) this.#byFile.set(one.file, [one]);
      else list.push(one);
    }
  }

  /** The reason why a finding is suppressed, which counts as a use, or undefined. */
  reasonFor(rule: string, file: string, start: number): string | undefined {
    const found = this.#byFile
      .get(file)
      ?.find(
        ({ covers, rules, trouble }) =>
          trouble === undefined &&
          covers !== undefined &&
          covers.start <= start &&
          start < covers.end &&
          rules.includes(rule),
      );
    if (found === undefined) return undefined;
    this.#used.add(`${found.file}:${found.start} ${rule}`);
    return found.reason;
  }

  /** Well-formed ones, each with its rules that ran and found nothing. To be asked after all findings are known. */
  unused(): (PlacedSuppression & { readonly idle: readonly string[] })[] {
    return this.all.flatMap((one) => {
      if (one.trouble !== undefined) return [];
      const idle = one.rules.filter(
        (rule) => this.#judged(rule) && !this.#used.has(`${one.file}:${one.start} ${rule}`),
      );
      return idle.length === 0 ? [] : [{ ...one, idle }];
    });
  }
}

function placed({ source, items, comments }: LoadedFile, known: readonly string[]): PlacedSuppression[] {
  let next = 0;
  return suppressionsOf(comments).map((one) => {
    while (next < items.length && items[next]!.end <= one.start) next++;
    return {
      ...one,
      file: source.name,
      covers: blockOf(one, items[next - 1], items[next], source.text),
      trouble: troubleOf(one, known),
    };
  });
}

/** Comments are in the order of the file; one behind the end of a block, on its line, is about that block. */
function blockOf({ start }: Span, before: Item | undefined, next: Item | undefined, text: string): Span | undefined {
  if (before !== undefined && !text.slice(before.end, start).includes("\n")) return before;
  return next;
}

function troubleOf({ rules, reason }: Suppression, known: readonly string[]): string | undefined {
  if (rules.length === 0) return "the comment names no rule to suppress";
  const unknown = rules.find((rule) => !known.includes(rule));
  if (unknown !== undefined) {
    const guess = nearest(unknown, known);
    return `there is no rule "${unknown}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`;
  }
  return reason === "" ? `"${rules.join(", ")}" is suppressed without a reason` : undefined;
}
