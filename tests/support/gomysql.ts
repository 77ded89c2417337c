/** A MySQL server that knows caching_sha2_password, demands client certificates and keeps passwords in a cache: the library vitess. Asserts nothing. */
import { goOf, goProgram } from "./go-program.ts";
import type { OwnNetwork } from "./own-network.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";

export const GOMYSQL_NEEDS = [goOf(24)];

interface Files {
  cert: string;
  key: string;
  clientCa: string;
}

/** At `address`, with the user `app` and the password `secret`; `method` is the one that it begins with. Says "full" and "fast". */
export async function startGoMysql(
  scene: Scene,
  net: OwnNetwork,
  address: string,
  { cert, key, clientCa }: Files,
  method: "caching_sha2_password" | "mysql_native_password",
): Promise<Program> {
  const program = net.start(scene, [await goProgram("gomysql"), address, cert, key, clientCa, method]);
  await program.output("stdout", /listening/);
  return program;
}
