/** What two parties say to each other ahead of the stream that a connection is for: bytes in, steps out. No protocol of its own. */

/** What a preface asks of its driver, in this order. */
export type PrefaceStep<T, Code extends string> =
  | { type: "send"; bytes: Uint8Array }
  /** It is over. `rest` came behind it: the first bytes of the stream. */
  | { type: "done"; value: T; rest: Uint8Array }
  /** It came to nothing, for the peer's doing: say `bytes`, if any, and close. `reason` is half a sentence for people. */
  | { type: "fail"; code: Code; reason: string; bytes?: Uint8Array };

/** One party's side. After `done` or `fail` it asks for nothing more. */
export interface Preface<T, Code extends string = string> {
  /** What is said before anything has come. */
  start(): PrefaceStep<T, Code>[];
  /** Takes bytes as they come, in any split. */
  receive(bytes: Uint8Array): PrefaceStep<T, Code>[];
  /** The peer has ended its direction before it was over: the last step. */
  ended(): Exclude<PrefaceStep<T, Code>, { type: "send" }>;
}
