/** `portail s3crypt encrypt` and `decrypt` with a keyring that libsodium made. */
import type { Portail } from "./portail.ts";
import type { Scene } from "./scene.ts";
import { randomKeys, randomPassword, writeSodiumKeyring } from "./sodium-keyring.ts";

/** The environment in which they find it. */
export function keyringOf(scene: Scene, ids: readonly bigint[] = [0n, 1n]): Record<string, string> {
  const password = randomPassword();
  const path = scene.write("keyring.toml", writeSodiumKeyring({ password, keys: randomKeys(ids) }));
  return { DS_KEYRING: path, DS_PASSWORD: password };
}

/** The command line as a shell takes it. */
export function shellWords({ command }: Portail, ...words: readonly string[]): string {
  return [...command, "s3crypt", ...words].map((word) => `'${word}'`).join(" ");
}
