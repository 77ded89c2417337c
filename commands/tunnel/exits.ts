/** Exit statuses that both sides of `portail tunnel` have. */
import { EXIT } from "../../lib/command/errors.ts";

export const exits = [
  { status: EXIT.done, meaning: "stopped, and everything open had ended" },
  { status: EXIT.no, meaning: "stopped, and open connections were cut" },
  { status: EXIT.usage, meaning: "a flag or its value is wrong" },
  { status: EXIT.badData, meaning: "a certificate, key, revocation list or policy is broken" },
  { status: EXIT.noInput, meaning: "a file cannot be read" },
  { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
  { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
  { status: EXIT.io, meaning: "the one connection of --stdio broke off, or was cut" },
  { status: EXIT.noPrivilege, meaning: "listening there is not permitted" },
  { status: EXIT.config, meaning: "the settings contradict each other" },
] as const;
