/** A summary and single lines, as text and as JSON. Counts nothing. */
import { printableLine } from "../../lib/command/log.ts";
import { textOf, wantedOf, type AuditLine } from "./line.ts";
import type { Summary } from "./summary.ts";
import type { Top } from "./top.ts";

interface Report {
  summary: Summary;
  /** Lines that are no audit lines, or too long. */
  broken: number;
  /** Rows of each table. */
  limit: number;
}

/** Ends with a line feed. */
export function summaryText({ summary, broken, limit }: Report): string {
  const { lines, first, last, lost, events, decisions, policies, denied, talkers, hours } = summary;
  const out = [
    `${count(lines)} lines${broken > 0 ? `, ${count(broken)} broken` : ""}${lost > 0 ? `, ${count(lost)} lost by the daemon` : ""}`,
  ];
  if (first !== undefined) out.push(`from ${first} to ${last}`);
  table(out, "events", events, limit, ([times]) => [count(times!)]);
  table(out, "decisions", decisions, limit, ([times]) => [count(times!)]);
  table(out, "policies", policies, limit, ([times]) => [count(times!)]);
  table(out, "denied: who, what", denied, limit, ([times]) => [count(times!)]);
  table(out, "bytes and connections of who moved most", talkers, limit, ([bytes, times]) => [
    count(bytes!),
    count(times!),
  ]);
  const byHour = hours.all();
  if (byHour.length > 0) out.push("", `allowed, denied and bytes by hour (UTC)${inexact(hours)}`);
  for (const { name, sums } of byHour) out.push(row(sums.map(count), name));
  return `${out.map((line) => printableLine(line)).join("\n")}\n`;
}

function table(out: string[], title: string, top: Top, limit: number, figures: (sums: readonly number[]) => string[]) {
  const entries = top.ranked(limit);
  if (entries.length === 0) return;
  out.push("", `${title}${inexact(top)}`);
  for (const { name, sums } of entries) out.push(row(figures(sums), name.replace("\0", "  ")));
}

const row = (figures: readonly string[], name: string): string =>
  `${figures.map((figure) => figure.padStart(14)).join("")}  ${name}`;
const count = (value: number): string => value.toLocaleString("en-US");
const inexact = ({ exact }: Top): string => (exact ? "" : " (too many for memory: counts of rare ones are too low)");

/** One object on one line. */
export function summaryJson({ summary, broken, limit }: Report): string {
  const { lines, first, last, lost, events, decisions, policies, denied, talkers, hours } = summary;
  const counted = (top: Top) => top.ranked(limit).map(({ name, sums: [times] }) => ({ name, count: times }));
  return `${JSON.stringify({
    v: 1,
    lines,
    broken,
    lost,
    first,
    last,
    events: counted(events),
    decisions: counted(decisions),
    policies: counted(policies),
    denied: denied.ranked(limit).map(({ name, sums: [times] }) => {
      const [who, what] = name.split("\0");
      return { who, what, count: times };
    }),
    talkers: talkers.ranked(limit).map(({ name, sums: [bytes, connections] }) => ({ who: name, bytes, connections })),
    hours: hours
      .all()
      .map(({ name, sums: [allowed, refused, bytes] }) => ({ hour: name, allowed, denied: refused, bytes })),
    exact: [events, policies, denied, talkers, hours].every(({ exact }) => exact),
  })}\n`;
}

const SHOWN = [
  "session",
  "policy",
  "route",
  "reason",
  "missing",
  "sent",
  "received",
  "duration",
  "outcome",
  "lost",
  "error",
];

/** A line for people; what a peer sent cannot forge another. Ends with a line feed. */
export function lineText(line: AuditLine): string {
  const { time, command, event } = line;
  const what = [textOf(line, "decision"), textOf(line, "user"), textOf(line, "client")].filter(
    (part) => part !== undefined,
  );
  const wanted = wantedOf(line);
  const arrow = wanted === undefined ? "" : ` -> ${wanted}`;
  const pairs = SHOWN.flatMap((name) => {
    const value = line[name];
    return value === undefined ? [] : [` ${name}=${typeof value === "string" ? quote(value) : JSON.stringify(value)}`];
  });
  return `${printableLine(`${time} ${command} ${event} ${what.join(" ")}${arrow}${pairs.join("")}`)}\n`;
}

const quote = (text: string): string => (/^[\w.:/@%+,-]+$/.test(text) ? text : JSON.stringify(text));
