/** Findings as a SARIF 2.1.0 log (OASIS): one run, with every rule described, fixes and suppressions. */
import { type Finding, pageOf } from "../../../lib/acl/lint/engine/finding.ts";
import { RULES } from "../../../lib/acl/lint/engine/rules.ts";
import { Source, type Sources } from "../../../lib/acl/source.ts";
import type { Format } from "./run.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

export const sarifFormat: Format = (linted, { version }) => {
  const driver = { name: "portail acl lint", version, rules: RULES.map(describe) };
  const results = linted.flatMap(({ findings, sources }) => {
    const regions = new Regions(sources);
    return findings.map((finding) => resultOf(finding, regions));
  });
  const run = { tool: { driver }, columnKind: "unicodeCodePoints", results };
  return `${JSON.stringify({ $schema: SCHEMA, version: "2.1.0", runs: [run] }, undefined, 2)}\n`;
};

function describe({ id, severity, summary }: (typeof RULES)[number]): object {
  return {
    id,
    shortDescription: { text: `${summary}.` },
    help: { text: `See ${pageOf(id)}.` },
    defaultConfiguration: { level: severity },
  };
}

function resultOf(finding: Finding, regions: Regions): object {
  const { rule, severity, message, hint, file, line, column, endLine, endColumn, fix, suppressed } = finding;
  const artifactLocation = { uri: uriOf(file) };
  const region = { startLine: line, startColumn: column, endLine, endColumn };
  return {
    ruleId: rule,
    ruleIndex: RULES.findIndex(({ id }) => id === rule),
    level: severity,
    message: { text: hint === undefined ? message : `${message}; ${hint}` },
    locations: [{ physicalLocation: { artifactLocation, region } }],
    ...(fix && {
      fixes: [
        {
          artifactChanges: [
            {
              artifactLocation,
              replacements: [{ deletedRegion: regions.of(file, fix), insertedContent: { text: fix.text } }],
            },
          ],
        },
      ],
    }),
    suppressions: suppressed === undefined ? [] : [{ kind: "inSource", justification: suppressed }],
  };
}

/** Places of edits, counted on sources of their own: columns are cheap in ascending order only. */
class Regions {
  readonly #sources: Sources;
  readonly #starts = new Map<string, Source>();
  readonly #ends = new Map<string, Source>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  of(file: string, { start, end }: { start: number; end: number }): object {
    const from = this.#in(this.#starts, file).position(start);
    const to = this.#in(this.#ends, file).position(end);
    return { startLine: from.line, startColumn: from.column, endLine: to.line, endColumn: to.column };
  }

  #in(own: Map<string, Source>, file: string): Source {
    const known = own.get(file) ?? new Source(file, this.#sources.get(file)!.text);
    own.set(file, known);
    return known;
  }
}

/** A relative path as a relative reference, an absolute one as a file URI. */
function uriOf(file: string): string {
  if (file.startsWith("builtin:")) return file;
  const path = file.split("/").map(encodeURIComponent).join("/");
  return file.startsWith("/") ? `file://${path}` : path;
}
