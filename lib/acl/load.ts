/** From files to a policy set that decides: reads, parses, includes, checks. Files are opened by the caller's function. */
import type { IncludeItem, Item, SetItem } from "./ast.ts";
import { Context } from "./check/context.ts";
import { fileSet, listSet, type NamedSet } from "./check/named-set.ts";
import { ProgramChecker } from "./check/program.ts";
import { type Diagnostic, Diagnostics, type Span } from "./diagnostic.ts";
import type { FactName } from "./facts.ts";
import type { Comment } from "./ast.ts";
import { parseSource } from "./parser/parse.ts";
import { Policy } from "./policy.ts";
import { BUILTIN_SAMPLE, SAMPLE_POLICY } from "./sample.ts";
import { decodeUtf8 } from "./set-file.ts";
import { Source, type Sources } from "./source.ts";
import { shorten } from "./parser/cursor.ts";
import { fnv1a } from "./fnv.ts";

/** Gives the content of a file; throws if there is none. `path` is already joined with the folder of `from`. */
export type ReadFile = (path: string, from?: string) => string | Uint8Array;

export interface LoadOptions {
  /** The backends that exist; a route to another one is an error. Left out, any name goes. */
  readonly backends?: readonly string[];
  /** For `Policy.digest`; give SHA-256 in hex. Left out, a checksum that is not cryptographic. */
  readonly digest?: (bytes: Uint8Array) => string;
}

/** A parsed file of the set, for tools that show or rewrite it. */
export interface LoadedFile {
  readonly source: Source;
  readonly items: readonly Item[];
  readonly comments: readonly Comment[];
}

export type LoadResult = {
  /** Errors and warnings where there is no policy, warnings beside one. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
  readonly files: readonly LoadedFile[];
} & ({ readonly policy: Policy } | { readonly policy?: undefined });

/**
 * Loads the policy file `entry` and what it includes. Never throws for what a file holds or lacks. Costs are linear
 * in the size of the files.
 */
export function loadPolicy(entry: string, read: ReadFile, options: LoadOptions = {}): LoadResult {
  const loader = new Loader(read, options);
  loader.file(entry, undefined);
  const { diagnostics, sources, files } = loader;
  const policy = loader.finish();
  return { ...(policy && { policy }), diagnostics: inOrder(diagnostics.list, [...sources.keys()]), sources, files };
}

/** By file in the order of reading, then by place. */
function inOrder(list: readonly Diagnostic[], names: readonly string[]): Diagnostic[] {
  return list.toSorted((x, y) => names.indexOf(x.file) - names.indexOf(y.file) || x.start - y.start);
}

class Loader {
  readonly diagnostics = new Diagnostics();
  readonly sources = new Map<string, Source>();
  readonly files: LoadedFile[] = [];
  readonly #open: string[] = [];
  readonly #sets = new Map<string, NamedSet>();
  readonly #ordered: [Item, Context][] = [];
  readonly #mentions = new Set<FactName>();
  readonly #digests: string[] = [];
  readonly #encoder = new TextEncoder();

  constructor(
    readonly read: ReadFile,
    readonly options: LoadOptions,
  ) {}

  /** Parses a file and those it includes; their items take the place of the include. */
  file(path: string, by: { item: IncludeItem; source: Source } | undefined): void {
    const bytes = this.#bytes(path, by && { span: by.item.path, source: by.source });
    if (bytes === undefined) return;
    const text = decodeUtf8(bytes);
    const source = new Source(path, text ?? "");
    this.sources.set(path, source);
    if (text === undefined)
      this.diagnostics.error("acl.bad_encoding", source, START, { message: "the file is not UTF-8" });
    const { file } = parseSource(source, this.diagnostics);
    this.files.push({ source, ...file });
    const context = new Context(source, this.diagnostics, this.#sets, this.#mentions);
    this.#open.push(path);
    for (const item of file.items) {
      if (item.kind === "include") this.#include(item, source);
      else if (item.kind === "set") this.#set(item, context);
      else this.#ordered.push([item, context]);
    }
    this.#open.pop();
  }

  /** Checks all items in order: sets may stand below their use. */
  finish(): Policy | undefined {
    const checker = new ProgramChecker(this.options);
    for (const [item, context] of this.#ordered) {
      if (this.diagnostics.full) break;
      if (item.kind === "policy") checker.policy(item, context);
      else if (item.kind === "route") checker.route(item, context);
      else if (item.kind === "test") checker.test(item, context);
    }
    // Tests give facts of their own, which are not asked for at run time.
    const mentions = [...this.#mentions];
    checker.finish();
    if (this.diagnostics.failed) return undefined;
    const { policies, routes, tests } = checker;
    return new Policy({ policies, routes, tests, mentions, sources: this.sources }, this.#digest());
  }

  #include(item: IncludeItem, source: Source): void {
    const path = joinPath(source.name, item.path.value);
    if (this.#open.includes(path)) {
      const chain = [...this.#open.slice(this.#open.indexOf(path)), path].map((one) => shorten(one)).join(" includes ");
      this.diagnostics.error("acl.include_cycle", source, item.path, {
        message: "a file includes itself",
        label: chain,
      });
      return;
    }
    // A file that two others include counts once, where it is first named.
    if (!this.sources.has(path)) this.file(path, { item, source });
  }

  #set({ name, value }: SetItem, context: Context): void {
    if (this.#sets.has(name.text)) {
      context.error("acl.duplicate_name", name, { message: `a second set is called "${shorten(name.text)}"` });
      return;
    }
    if (value.kind === "list") {
      this.#sets.set(name.text, listSet(name.text, value, context));
      return;
    }
    const path = joinPath(context.source.name, value.path.value);
    const bytes = this.#bytes(path, { span: value.path, source: context.source });
    // An unreadable set still has a name: its uses are no further mistakes.
    this.#sets.set(
      name.text,
      fileSet(name.text, value.kind, path, bytes ?? new Uint8Array(), this.diagnostics, this.sources),
    );
  }

  #bytes(path: string, by: { span: Span; source: Source } | undefined): Uint8Array | undefined {
    try {
      const content = path === BUILTIN_SAMPLE ? SAMPLE_POLICY : this.read(path, by?.source.name);
      const bytes = typeof content === "string" ? this.#encoder.encode(content) : content;
      this.#digests.push((this.options.digest ?? fnv1a)(bytes));
      return bytes;
    } catch (error) {
      const source = by?.source ?? new Source(path, "");
      if (by === undefined) this.sources.set(path, source);
      const reason = error instanceof Error ? error.message : String(error);
      this.diagnostics.error("acl.read_failed", source, by?.span ?? START, {
        message: `cannot read "${shorten(path)}": ${shorten(reason)}`,
      });
      return undefined;
    }
  }

  /** One file's own digest; of several, the digest of their digests, one a line. */
  #digest(): string {
    if (this.#digests.length === 1) return this.#digests[0]!;
    return (this.options.digest ?? fnv1a)(this.#encoder.encode(this.#digests.map((one) => `${one}\n`).join("")));
  }
}

const START: Span = { start: 0, end: 0 };

/** `path` as seen from the folder of the file `from`, `.` and `..` resolved, so that one file has one name. */
export function joinPath(from: string, path: string): string {
  const folder = from.includes("/") ? from.slice(0, from.lastIndexOf("/") + 1) : "";
  const joined = path.startsWith("/") || path.startsWith("builtin:") ? path : folder + path;
  const parts: string[] = [];
  for (const part of joined.split("/")) {
    if (part === "." || (part === "" && parts.length > 0)) continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") {
      if (parts.at(-1) !== "") parts.pop();
    } else parts.push(part);
  }
  return parts.join("/");
}
