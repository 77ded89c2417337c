/** curl as users run it, without their configuration files. */
import { run, type Outcome, type RunOptions } from "./program.ts";

/** Runs `curl ARGS`, silent but for errors. */
export function curl(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(["curl", "-q", "--silent", "--show-error", "--noproxy", "", "--max-time", "20", ...args], options);
}
