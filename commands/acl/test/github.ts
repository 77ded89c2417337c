/** A run of cases as workflow commands of GitHub Actions: an annotation at the line of each case that failed. */
import { type Where, whereIs } from "../../../lib/acl/testing/report.ts";
import type { RunReport } from "../../../lib/acl/testing/report.ts";
import type { Sources } from "../../../lib/acl/source.ts";
import { coverageText, fateText, gapsOf, oneLine, sumText } from "./text.ts";

/** Ends with a line feed. What is not covered is a notice. */
export function githubReport(run: RunReport, sources: Sources): string {
  const lines = run.cases.flatMap((one) => {
    if (one.failure === undefined) return [];
    const { given, expected, got, why } = one.failure;
    const reasons = why.map((reason) => `${fateText(reason)} (${reason.file}:${reason.line})`);
    const body = [`expected ${expected}`, `got ${got}`, `given ${given.join(", ")}`, ...reasons];
    return [command("error", one, one.name, body.join("\n"))];
  });
  for (const block of run.coverage?.blocks ?? [])
    for (const gap of gapsOf(block))
      lines.push(
        command("notice", whereIs(block.place, sources), "not covered", `${block.kind} ${block.name}: ${gap}`),
      );
  const sum = run.coverage === undefined ? sumText(run) : `${sumText(run)}; ${coverageText(run.coverage)}`;
  return `${[...lines, oneLine(sum)].join("\n")}\n`;
}

/** `::error file=F,line=N,title=T::message`, as the documentation of workflow commands has it. */
function command(level: "error" | "notice", { file, line }: Where, title: string, message: string): string {
  return `::${level} file=${property(file)},line=${line},title=${property(title)}::${data(message)}`;
}

/** What would end the line, as @actions/core escapes it. */
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** In a property, what would end it too. */
function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
