/** What a replay found, as text and as JSON. Counts nothing. */
import type { Replay } from "../../../lib/acl/replay/replay.ts";
import { type Change, type Side, topTargets } from "../../../lib/acl/replay/tally.ts";
import { printable } from "../../../lib/command/log.ts";

interface Report {
  replay: Replay;
  /** Lines that were too long to be read. */
  tooLong: number;
  /** Of the policy that decided anew. */
  digest: string;
  /** Targets of each change. */
  limit: number;
}

/** Sums first, then each change with its targets, then what cannot be told. Ends with a line feed. */
export function reportText({ replay, tooLong, limit }: Report): string {
  const { tally, lines, decisions, others, bad } = replay;
  const unread = [
    bad > 0 ? `${count(bad)} that are no audit lines` : "",
    tooLong > 0 ? `${count(tooLong)} that are too long` : "",
  ].filter((part) => part !== "");
  const out = [
    `${count(lines + tooLong)} lines: ${count(decisions)} decisions, ${count(others)} other events${unread.map((part) => `, ${part}`).join("")}`,
    `${count(tally.changed)} would change, ${count(tally.unchanged)} would not (${count(tally.elsewhere)} by another policy), ${count(tally.lacking)} cannot be told`,
  ];
  for (const change of tally.changes) out.push("", ...changeLines(change, limit));
  if (tally.other > 0) out.push("", `${count(tally.other)} by still other policies`);
  if (tally.lacking > 0) {
    out.push("", "cannot be told, since the lines lack a fact that the policy asks for:");
    for (const [fact, lines] of tally.facts) {
      out.push(`${figure(lines)}  ${fact}${fact === "dest.ip" ? " (the name was never resolved)" : ""}`);
    }
  }
  return `${out.map(onOneLine).join("\n")}\n`;
}

function changeLines(change: Change, limit: number): string[] {
  const { top, rest } = topTargets(change, limit);
  const lines = [`${sideText(change.from)} -> ${sideText(change.to)}: ${count(change.count)}`];
  for (const [target, times] of top) lines.push(`${figure(times)}  ${target}`);
  if (rest > 0) lines.push(`${figure(rest)}  to other targets`);
  return lines;
}

function sideText({ decision, policy, why, redirected }: Side): string {
  const by = policy === null ? (why === undefined ? " by default" : "") : ` by ${policy}`;
  return `${decision}${by}${why === undefined ? "" : ` (${why})`}${redirected === undefined ? "" : ` to ${redirected}`}`;
}

/** What a peer or a file brought in must not forge lines. */
const onOneLine = (text: string): string => printable(text).replaceAll("\n", "\\n");
const count = (value: number): string => value.toLocaleString("en-US");
const figure = (value: number): string => count(value).padStart(12);

/** One object on one line; counts of targets are an array, most frequent first. */
export function reportJson({ replay, tooLong, digest, limit }: Report): string {
  const { tally, lines, decisions, others, bad } = replay;
  return `${JSON.stringify({
    v: 1,
    policies: digest,
    lines: { read: lines + tooLong, decisions, others, bad, tooLong },
    changed: tally.changed,
    unchanged: tally.unchanged,
    byAnotherPolicy: tally.elsewhere,
    lacking: tally.lacking,
    changes: tally.changes.map((change) => {
      const { top, rest } = topTargets(change, limit);
      return {
        from: change.from,
        to: change.to,
        count: change.count,
        targets: top.map(([target, times]) => ({ target, count: times })),
        other: rest,
      };
    }),
    other: tally.other,
    facts: tally.facts.map(([fact, times]) => ({ fact, count: times })),
  })}\n`;
}
