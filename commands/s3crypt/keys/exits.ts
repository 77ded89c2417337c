/** What the exit statuses of the commands on keyrings mean. */
import { EXIT } from "../../../lib/command/errors.ts";

const READING = [
  { status: EXIT.usage, meaning: "a flag is wrong, or the password is missing" },
  { status: EXIT.badData, meaning: "the keyring is broken, or the password does not open it" },
  { status: EXIT.noInput, meaning: "a file cannot be read" },
  { status: EXIT.noPrivilege, meaning: "a file may not be read" },
] as const;

const NEW = [
  { status: EXIT.usage, meaning: "a flag is wrong" },
  { status: EXIT.badData, meaning: "the new password is empty or too long" },
  { status: EXIT.noInput, meaning: "the new password cannot be read" },
  { status: EXIT.noPrivilege, meaning: "the new password may not be read" },
] as const;

const CANNOT_PRINT = { status: EXIT.io, meaning: "the new password cannot be printed; nothing was written" } as const;

/** Of a command that makes a keyring, reads one, changes one, or puts it under a new password. */
export function keyExits(kind: "new" | "read" | "change" | "rotate") {
  const done = { status: EXIT.done, meaning: kind === "read" ? "listed" : "written" } as const;
  if (kind === "read") return [done, ...READING];
  const write = { status: EXIT.cannotCreate, meaning: "the keyring cannot be written" } as const;
  if (kind === "new") {
    return [done, ...NEW, { ...write, meaning: "the keyring cannot be written, or exists already" }, CANNOT_PRINT];
  }
  const retry = { status: EXIT.retry, meaning: "another program is changing the keyring" } as const;
  return [done, ...READING, write, ...(kind === "rotate" ? [CANNOT_PRINT] : []), retry];
}
