/** What the kernel says of its clock, beside what the C library tells Python. */
import { expect, test } from "bun:test";
import { kernelClock } from "../../../../lib/ffi/kernel-clock.ts";
import { needing } from "../../../support/needs.ts";

/** `struct timex` up to its status (adjtimex(2)). */
const PYTHON = `
import ctypes
class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_int), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
                ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_byte * 256)]
timex = Timex()
if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) == -1: raise SystemExit("refused")
print(timex.maxerror, timex.status)
`;

/** The most that it grows between two looks: 500 ppm, for a minute. */
const GROWTH = 30;

needing("the kernel's clock", ["python3"], () => {
  test("is as Python reads it", () => {
    const { maxerror, status } = byPython();
    const clock = kernelClock()!;
    expect(clock.synchronised).toBe((status & 0x40) === 0);
    // It starts anew when somebody sets the clock meanwhile.
    expect([maxerror / 1000, byPython().maxerror / 1000].some((error) => Math.abs(clock.error - error) <= GROWTH)).toBe(
      true,
    );
  });
});

function byPython(): { maxerror: number; status: number } {
  const { stdout } = Bun.spawnSync(["python3", "-c", PYTHON]);
  const [maxerror = NaN, status = NaN] = stdout.toString().split(" ").map(Number);
  return { maxerror, status };
}
