/** Flags that the commands on objects have in common. */
import type { ArgDefinitions } from "../../../lib/command/define.ts";
import { keyFlags } from "../keyring-file.ts";

export const ends = {
  input: { type: "positional", valueHint: "IN", description: "File to read; - or none is standard input" },
  output: { type: "positional", valueHint: "OUT", description: "File to write; - or none is standard output" },
} as const satisfies ArgDefinitions;

export const engineFlag = {
  engine: {
    type: "string",
    valueHint: "auto|libcrypto|noble",
    default: "auto",
    description: "Cipher library: auto, libcrypto or noble; all give the same bytes",
  },
} as const satisfies ArgDefinitions;

export const sealing = {
  ...keyFlags,
  ...engineFlag,
  progress: { type: "boolean", default: true, description: "Show on a terminal how far it is" },
} as const satisfies ArgDefinitions;

export const demanding = {
  plaintext: {
    type: "string",
    valueHint: "deny|warn|allow",
    default: "deny",
    group: "Demands",
    description: "What becomes of an object that is not encrypted: deny, or warn and allow, which pass it through",
  },
  "require-final": {
    type: "boolean",
    group: "Demands",
    description: "Refuse an object of ds_proxy's format that does not show where it ends",
  },
  from: {
    type: "string",
    valueHint: "KEYID",
    values: "key-ids",
    group: "Demands",
    description: "Require it only of objects by this key and newer ones",
  },
} as const satisfies ArgDefinitions;
