/** A preface with what stands before a target, a proxy say, in the engine's terms. Sends nothing itself. */
import type { Preface } from "../../session/preface.ts";
import { NOTHING } from "./carried.ts";

export interface Heard {
  over: boolean;
  /** The target's where it is over, and else what is to be said. */
  bytes: Uint8Array;
}

export class Asking {
  readonly #preface: Preface<unknown>;
  /** What is said first. */
  readonly first: Uint8Array;

  constructor(preface: Preface<unknown>) {
    this.#preface = preface;
    this.first = take(preface.start())?.bytes ?? NOTHING;
  }

  /** Undefined where it came to nothing. `bytes` are overwritten later. */
  hear(bytes: Uint8Array): Heard | undefined {
    return take(this.#preface.receive(bytes.slice()));
  }
}

function take(steps: ReturnType<Preface<unknown>["receive"]>): Heard | undefined {
  let answer: Uint8Array = NOTHING;
  for (const step of steps) {
    if (step.type === "fail") return undefined;
    // Who still has something to say has not been told all.
    if (step.type === "done") return answer.length === 0 ? { over: true, bytes: step.rest } : undefined;
    answer = answer.length === 0 ? step.bytes : Buffer.concat([answer, step.bytes]);
  }
  return { over: false, bytes: answer };
}
