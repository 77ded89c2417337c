/** What the proofs say: which modes of a pair may be measured, and a table of the handshakes that were counted. Opens no connection. */
import type { TapResult } from "../load/plan.ts";
import { PARALLEL } from "../support/modes.ts";
import type { Mode } from "../support/rows.ts";
import { table } from "../support/table.ts";

export interface Proof {
  /** Handshakes with resumption switched off. */
  full: TapResult;
  /** Handshakes with resumption switched on. */
  resumed: TapResult;
  /** Of verification; a pair that has one is not measured. */
  wrong: string[];
}

/** Of the handshakes after the first of each parallel client, which are full all the same. */
const MOSTLY = 0.9;

/** Those of `modes` in which the pair does what the row says. */
export function measurableModes(modes: ReadonlySet<Mode>, { full, resumed, wrong }: Proof): Set<Mode> {
  if (wrong.length > 0) return new Set();
  return new Set(
    [...modes].filter((mode) => {
      if (mode === "rate") return full.full > 0 && full.resumed === 0 && full.other === 0;
      if (mode === "resumed") return resumes(resumed);
      return true;
    }),
  );
}

/** What is no fault of verification but keeps a row from being measured. Resumption may be missing; a full handshake may not. */
export function proofTroubles({ full, resumed, wrong }: Proof): string[] {
  return [
    ...wrong,
    ...(full.resumed > 0 ? [`${full.resumed} handshakes were resumed though resumption was switched off`] : []),
    ...(full.other + resumed.other > 0 ? [`${full.other + resumed.other} connections were no TLS 1.3`] : []),
  ];
}

/** A row for each pair and configuration. */
export function handshakeTable(proofs: readonly { name: string; proof: Proof }[]): string {
  const rows = proofs.flatMap(({ name, proof }) => [line(name, "off", proof.full), line(name, "on", proof.resumed)]);
  return table(["handshakes on the wire", "resumption", "full", "resumed", "agreed on"], rows);
}

function line(name: string, resumption: string, counts: TapResult): string[] {
  const agreed = Object.entries(counts.agreements).toSorted(([, a], [, b]) => b - a);
  const text = agreed.length === 1 ? agreed[0]![0] : agreed.map(([what, count]) => `${what} (${count})`).join("; ");
  return [name, resumption, counts.full.toLocaleString("en-US"), counts.resumed.toLocaleString("en-US"), text];
}

function resumes({ full, resumed, other }: TapResult): boolean {
  const later = full + resumed - PARALLEL;
  return other === 0 && later > 0 && resumed >= later * MOSTLY;
}
