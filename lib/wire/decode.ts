/** The answer of every codec: what the first bytes of a stream say. */

export type Decoded<T> =
  | { kind: "ok"; value: T; /** Bytes that the value took. */ length: number }
  | { kind: "more" }
  | { kind: "bad"; reason: string };

export const MORE: { kind: "more" } = { kind: "more" };

export function bad(reason: string): { kind: "bad"; reason: string } {
  return { kind: "bad", reason };
}

/** The answer where everything is there already. */
export type Checked<T> = { kind: "ok"; value: T } | { kind: "bad"; reason: string };
