/** What the kernel knows of its clock: adjtimex(2), asked and never set. Undefined where there is none to ask. */
import { openLibc } from "./libc.ts";

const SYMBOLS = { adjtimex: { args: ["ptr"], returns: "int" } } as const;

/** More than a `struct timex` of Linux on x64 and arm64, which begins with `modes`: zero sets nothing. */
const TIMEX = 256;
/** Of `maxerror`, a long of microseconds. */
const MAX_ERROR = 24;
/** Of `status`, an int of bits. */
const STATUS = 40;
const STA_UNSYNC = 0x40;

export interface KernelClock {
  /** Whether something that knows the time has set it of late. */
  readonly synchronised: boolean;
  /** Milliseconds that it is off by, at most, if it is synchronised. */
  readonly error: number;
}

export function kernelClock(): KernelClock | undefined {
  const timex = new DataView(new ArrayBuffer(TIMEX));
  const answer = openLibc(SYMBOLS)?.adjtimex(new Uint8Array(timex.buffer)) ?? -1;
  if (answer === -1) return undefined;
  return {
    synchronised: (timex.getInt32(STATUS, true) & STA_UNSYNC) === 0,
    error: Number(timex.getBigInt64(MAX_ERROR, true)) / 1000,
  };
}
