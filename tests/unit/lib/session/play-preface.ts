/** Plays a peer's bytes into a preface and notes what it asks for. Decides nothing. */
import type { Preface, PrefaceStep } from "../../../../lib/session/preface.ts";

/** Steps for comparison, bytes as text of one character a byte. */
export type NotedStep<T> =
  { send: string } | { done: T; rest: string } | { fail: string; reason: string; bytes?: string };

/** Feeds the pieces in turn; `end` ends the peer's direction behind them. */
export function playPreface<T>(preface: Preface<T>, pieces: readonly Uint8Array[], end = false): NotedStep<T>[] {
  const steps = [...preface.start(), ...pieces.flatMap((piece) => preface.receive(piece))];
  if (end) steps.push(preface.ended());
  return steps.map(note);
}

function note<T>(step: PrefaceStep<T, string>): NotedStep<T> {
  switch (step.type) {
    case "send":
      return { send: text(step.bytes) };
    case "done":
      return { done: step.value, rest: text(step.rest) };
    case "fail":
      return { fail: step.code, reason: step.reason, ...(step.bytes && { bytes: text(step.bytes) }) };
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
