/** Programs of the system that are begun by their absolute path: where each is. Begins none. */
import { existsSync } from "node:fs";

/** Where distributions put them: an ordinary user's PATH does not name all of these. */
const FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** The path of the program called `name`; undefined where it is not there. */
export function systemProgram(name: "ip" | "nft" | "systemctl" | "unshare"): string | undefined {
  return FOLDERS.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}
