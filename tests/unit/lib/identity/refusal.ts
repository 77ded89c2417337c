/** The `PortailError` that a call ends with, as plain values; any other end of it fails the test. */
import { PortailError } from "../../../../lib/command/errors.ts";

export interface Refusal {
  code: string;
  exit: number;
  message: string;
  hint: string | undefined;
  /** All that could be printed of it, causes and stacks included. */
  readonly everything: string;
}

export function refusal(call: () => unknown): Refusal {
  try {
    call();
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const { code, exit, message, hint } = error;
    return {
      code,
      exit,
      message,
      hint,
      get everything() {
        return Bun.inspect(error, { depth: 10 }) + Bun.inspect(error.cause);
      },
    };
  }
  throw new Error("it was not refused");
}
