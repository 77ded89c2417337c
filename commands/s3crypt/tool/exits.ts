/** What the exit statuses of the commands on objects mean. */
import { EXIT } from "../../../lib/command/errors.ts";

/** Of a command that opens a keyring and reads objects. */
export function readingExits(done: string, badData: string, noInput = "a file cannot be read") {
  return [
    { status: EXIT.done, meaning: done },
    { status: EXIT.usage, meaning: "a flag is wrong, or no keyring or password is given" },
    { status: EXIT.badData, meaning: badData },
    { status: EXIT.noInput, meaning: noInput },
  ] as const;
}

/** Of one that writes what it makes of an object. */
export function writingExits(done: string, badData: string) {
  return [
    ...readingExits(done, badData),
    { status: EXIT.cannotCreate, meaning: "the file cannot be made" },
    {
      status: EXIT.io,
      meaning: "reading or writing failed on the way; without a word where the reader of standard output left",
    },
  ] as const;
}
