/** The master key that a keyring is put under: of a chosen password, or a random one. */
import type { ParsedArgs } from "../../../lib/command/define.ts";
import type { SourceFiles } from "../../../lib/identity/source-files.ts";
import { randomMasterKey, stretchedMasterKey, type MasterKey, type Random } from "../master-key.ts";
import { chosenPassword, type newPasswordFlags } from "../password.ts";

export const random: Random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** `password` is what has to be printed: nobody else knows it. Throws `PortailError`. */
export async function newMaster(
  { "new-password-file": file }: ParsedArgs<typeof newPasswordFlags>,
  files: SourceFiles,
): Promise<{ master: MasterKey; password: string | undefined }> {
  if (file === undefined) return randomMasterKey(random);
  return { master: await stretchedMasterKey(chosenPassword(file, files), random), password: undefined };
}
