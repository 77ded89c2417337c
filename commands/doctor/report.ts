/** What the doctor says, as text for people and as JSON. Judges nothing. */
import { printableLine } from "../../lib/command/log.ts";
import type { Finding, Verdict } from "./finding.ts";

/** Cells of the two columns in front of the text. */
const STATE = 6;
const TOPIC = 14;
const MARGIN = " ".repeat(STATE + TOPIC);
const WIDTH = 100;

/**
 * A paragraph for each finding, then a line for each command that cannot work, for those `named` that can, and for what a
 * flag asked for in vain. `width` in cells.
 */
export function reportText({ findings, about, stopped, refused }: Verdict, named: boolean, width = WIDTH): string {
  const lines = findings.flatMap((finding) => paragraph(finding, Math.min(width, WIDTH)));
  const verdicts = about.flatMap((command) => {
    const why = stopped.find((each) => each.command === command);
    if (why !== undefined) return [`portail ${command.replace("-", " ")} cannot work here: ${why.codes.join(", ")}`];
    return named && refused.length === 0 ? [`portail ${command.replace("-", " ")} can work here`] : [];
  });
  if (refused.length > 0) verdicts.push(`what was asked for cannot be: ${refused.join(", ")}`);
  return [...lines, ...(verdicts.length === 0 ? [] : ["", ...verdicts])].map((line) => `${line}\n`).join("");
}

function paragraph({ state, topic, text, means, advice }: Finding, width: number): string[] {
  const room = width - MARGIN.length;
  const [first = "", ...rest] = wrap(`${printableLine(text)}: ${printableLine(means)}`, room);
  const hints = advice === undefined ? [] : wrap(`hint: ${printableLine(advice)}`, room);
  return [
    `${state.padEnd(STATE)}${topic.padEnd(TOPIC)}${first}`,
    ...[...rest, ...hints].map((line) => `${MARGIN}${line}`),
  ];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** One object on one line; its codes are stable. */
export function reportJson({ findings, about, stopped, refused, impossible }: Verdict, version: string): string {
  return `${JSON.stringify({
    v: 1,
    version,
    commands: about,
    impossible,
    stopped,
    refused,
    findings: findings.map(({ code, state, topic, text, means, advice, commands, stops = [] }) => {
      return { code, state, topic, text, means, advice, commands, stops };
    }),
  })}\n`;
}
