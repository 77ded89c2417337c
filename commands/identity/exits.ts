/** Exit statuses that the commands about identities have in common. */
import { EXIT } from "../../lib/command/errors.ts";

export const exits = [
  { status: EXIT.usage, meaning: "a flag is wrong, or the token wants a PIN and none was given" },
  { status: EXIT.unavailable, meaning: "the module, the token or what should be in it is not there, or crashed" },
  { status: EXIT.noPrivilege, meaning: "the PIN is wrong or locked, or a file may not be read" },
  { status: EXIT.config, meaning: "two tokens, keys or certificates fit" },
] as const;
