/** The programs that tests need: where one is missing, they are left out and that is written down. Installs nothing. */
import { describe } from "bun:test";
import { appendFileSync } from "node:fs";
import { whichPeer } from "../../scripts/peer-list.ts";

/** Those of `programs` that this machine lacks. */
export function missing(programs: readonly string[]): string[] {
  return programs.filter((program) => whichPeer(program) === null);
}

/** Tells the tests that drive `programs`, or leaves them out under the name `sentence`. */
export function needing(sentence: string, programs: readonly string[], tell: () => void): void {
  const absent = missing(programs);
  if (absent.length > 0) leaveOut(sentence, absent);
  else describe(sentence, tell);
}

/** One JSON line, `{scenario, needs}`, in the file that PORTAIL_LEFT_OUT names. Throws where CI=true: there all is to run. */
export function leaveOut(scenario: string, needs: readonly string[]): void {
  if (process.env["CI"] === "true") throw new Error(`"${scenario}" needs ${needs.join(", ")}`);
  const file = process.env["PORTAIL_LEFT_OUT"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ scenario, needs })}\n`);
}
