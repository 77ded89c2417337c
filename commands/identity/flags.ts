/** Flags that name one identity, or the key alone: data. */
import type { ArgDefinitions } from "../../lib/command/define.ts";
import { identityFlags, tokenFlags } from "../../lib/identity/flags.ts";

const { cert, key, keystore, storepass, "storepass-file": storepassFile } = identityFlags;

/** Who we would be to others. */
export const ownFlags = {
  cert,
  key,
  keystore,
  storepass,
  "storepass-file": storepassFile,
  ...tokenFlags,
} as const satisfies ArgDefinitions;

/** A private key, for which there may be no certificate yet. */
export const keyFlags = {
  key,
  storepass,
  "storepass-file": storepassFile,
  ...tokenFlags,
} as const satisfies ArgDefinitions;
