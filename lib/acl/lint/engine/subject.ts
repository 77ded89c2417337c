/** The policy set under lint, with what several rules ask of it. Finds nothing wrong itself. */
import type { Item, PolicyBlock, RouteBlock } from "../../ast.ts";
import { compileClause } from "../../compile/normalise.ts";
import type { Diagnostic, Span } from "../../diagnostic.ts";
import type { Command, Facts } from "../../facts.ts";
import type { LoadedFile } from "../../load.ts";
import type { CheckedPolicy, CheckedRoute, Condition, Place, Program } from "../../model.ts";
import type { Policy } from "../../policy.ts";
import { Coverage, isFinal } from "./coverage.ts";
import { isNeverFalse, isNeverTrue } from "./implies.ts";
import { Search } from "./search.ts";
import type { Suppressions } from "./suppressions.ts";
import { unlikely } from "./witness.ts";

export interface LintOptions {
  /** The commands that load this policy; left out, they are taken from the policy. */
  readonly commands?: readonly Command[] | undefined;
  /** The backends that the configuration has; left out, nothing is said about them. */
  readonly backends?: readonly string[] | undefined;
}

/** What a successful load gives. */
export interface Loaded {
  readonly policy: Policy;
  readonly files: readonly LoadedFile[];
  readonly diagnostics: readonly Diagnostic[];
}

export class Subject {
  readonly policy: Policy;
  readonly program: Program;
  readonly files: readonly LoadedFile[];
  /** Of the load. */
  readonly warnings: readonly Diagnostic[];
  readonly options: LintOptions;
  readonly suppressions: Suppressions;
  readonly policies: readonly CheckedPolicy[];
  readonly routes: readonly CheckedRoute[];
  /** By policy and by route: all its clauses as one condition, free of `not`. */
  readonly clauses: readonly Condition[];
  readonly routeClauses: readonly Condition[];
  /** Facts that policies mention, with values that hardly any policy names. */
  readonly unlikely: Facts;
  readonly #blocks = new Map<string, PolicyBlock | RouteBlock>();
  #search: Search | undefined;
  #coverage: Coverage | undefined;
  #first: { readonly index: number } | undefined;
  readonly #neverTrue: (boolean | undefined)[] = [];

  constructor({ policy, files, diagnostics }: Loaded, options: LintOptions, suppressions: Suppressions) {
    this.suppressions = suppressions;
    this.policy = policy;
    this.program = policy.program;
    this.files = files;
    this.warnings = diagnostics;
    this.options = options;
    this.policies = policy.program.policies;
    this.routes = policy.program.routes;
    this.clauses = this.policies.map(({ when, require }) => compileClause(when, require));
    this.routeClauses = this.routes.map(({ when }) => compileClause(when, undefined));
    this.unlikely = Object.fromEntries(policy.mentions.map((fact) => [fact, unlikely(fact)])) as Facts;
    for (const { source, items } of files) {
      for (const item of items) if (isBlock(item)) this.#blocks.set(`${source.name}\n${item.name.start}`, item);
    }
  }

  get search(): Search {
    return (this.#search ??= new Search(this.clauses));
  }

  /**
   * Whether the file is the one that was named. What it includes may also be included by others, which read its sets
   * in other ways and have other policies around its own.
   */
  isEntry(file: string): boolean {
    return this.files[0]?.source.name === file;
  }

  /** The block that was written. */
  block({ place }: { readonly place: Place }): PolicyBlock | RouteBlock {
    return this.#blocks.get(`${place.file}\n${place.start}`)!;
  }

  /** Where the name of a policy or route stands. */
  name(checked: { readonly place: Place }): Span & { file: string } {
    const { start, end } = this.block(checked).name;
    return { file: checked.place.file, start, end };
  }

  textOf({ file }: Pick<Place, "file">): string {
    return this.program.sources.get(file)?.text ?? "";
  }

  hasComment(file: string, { start, end }: Span): boolean {
    const comments = this.files.find(({ source }) => source.name === file)?.comments ?? [];
    let low = 0;
    let high = comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comments[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low < comments.length && comments[low]!.start < end;
  }

  /** The earlier policy that leaves nothing to this one, or undefined. See coverage.ts. */
  coveredBy(index: number): number | undefined {
    return (this.#coverage ??= new Coverage(this)).of(index);
  }

  /** The first policy that decides whatever reaches it, or Infinity. */
  get lastReached(): number {
    this.#first ??= {
      index: this.clauses.findIndex((clause, i) => isFinal(this.policies[i]!) && isNeverFalse(clause)),
    };
    return this.#first.index === -1 ? Infinity : this.#first.index;
  }

  isNeverTrue(index: number): boolean {
    return (this.#neverTrue[index] ??= isNeverTrue(this.clauses[index]!));
  }

  /** `name at line 3`, for messages about another policy; with the file where it is another one. */
  refer(checked: { readonly name: string; readonly place: Place }, from: Place): string {
    const { file, start } = checked.place;
    const line = this.program.sources.get(file)!.position(start).line;
    return `"${checked.name}" (${file === from.file ? "line " : `${file}:`}${line})`;
  }
}

function isBlock(item: Item): item is PolicyBlock | RouteBlock {
  return item.kind === "policy" || item.kind === "route";
}
