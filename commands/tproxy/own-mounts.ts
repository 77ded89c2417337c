/** A hosts file of a program's own: what stands before its command line, so that it sees other files than everybody. Starts nothing that lasts. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { systemProgram } from "../../lib/service/system-programs.ts";

const SHELL = "/bin/sh";
/** Files that decide how names are looked up, and folders with sockets of who would answer before them. */
const HOSTS = "/etc/hosts";
const SWITCH = "/etc/nsswitch.conf";
const CACHES = ["/run/nscd"];

/** Mounts `$1` over the hosts file, `$2` over the switch, hides the folders of `$3`, and gives way to the rest. */
const SCRIPT = `
mount --bind "$1" ${HOSTS} || exit 1
[ -z "$2" ] || mount --bind "$2" ${SWITCH} || exit 1
for folder in $3; do mount -t tmpfs none "$folder" || exit 1; done
shift 3
exec "$@"
`;

export class OwnMounts {
  readonly #unshare: string;
  readonly #root: boolean;
  #folder: string | undefined;
  readonly #remove = () => {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  };

  private constructor(unshare: string, root: boolean) {
    this.#unshare = unshare;
    this.#root = root;
  }

  /** Throws `PortailError` (`tproxy.unshare_missing`, `tproxy.no_namespace`) where it cannot be done. */
  static async open(): Promise<OwnMounts> {
    const unshare = systemProgram("unshare");
    if (unshare === undefined) {
      throw new PortailError("the program unshare is not there", {
        code: "tproxy.unshare_missing",
        exit: EXIT.unavailable,
        hint: "install the package util-linux",
      });
    }
    const mounts = new OwnMounts(unshare, process.getuid!() === 0);
    const tried = [...mounts.prefix({ names: new Set(), lines: "" }), "/bin/true"];
    const { exitCode, stderr } = Bun.spawnSync(tried, { stdout: "ignore", stderr: "pipe" });
    if (exitCode === 0) return mounts;
    mounts.close();
    throw new PortailError(`a hosts file of its own cannot be had: ${JSON.stringify(stderr.toString().trim())}`, {
      code: "tproxy.no_namespace",
      exit: EXIT.noPrivilege,
      hint: "user namespaces must be allowed: see sysctl kernel.unprivileged_userns_clone and user.max_user_namespaces",
    });
  }

  /** Writes the files, and answers the words in front of a program that sees them; it runs as the same user. */
  prefix({ names, lines }: { names: ReadonlySet<string>; lines: string }): string[] {
    if (this.#folder === undefined) {
      // For a crash: nobody else would.
      process.once("exit", this.#remove);
      this.#folder = mkdtempSync(join(tmpdir(), "portail-"));
    }
    const hosts = join(this.#folder, "hosts");
    writeFileSync(hosts, `${withoutNames(readText(HOSTS) ?? "", names)}${lines}`, { mode: 0o644 });
    const own = filesFirst(readText(SWITCH));
    const nsswitch = own === undefined ? "" : join(this.#folder, "nsswitch.conf");
    if (own !== undefined) writeFileSync(nsswitch, own, { mode: 0o644 });
    const hidden = CACHES.filter((path) => existsSync(path)).join(" ");
    const script = [SHELL, "-c", SCRIPT, "portail", hosts, nsswitch, hidden];
    if (this.#root) return [this.#unshare, "--mount", "--", ...script];
    const [uid, gid] = [process.getuid!(), process.getgid!()];
    const back = [this.#unshare, "--user", `--map-user=${uid}`, `--map-group=${gid}`, "--"];
    return [this.#unshare, "--user", "--map-root-user", "--mount", "--", ...script, ...back];
  }

  close(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Lines without the names, and no line that had no other. */
function withoutNames(hosts: string, names: ReadonlySet<string>): string {
  return hosts
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => {
      const [address, ...all] = line.split("#")[0]!.trim().split(/\s+/);
      const kept = all.filter((name) => !names.has(name.toLowerCase()));
      if (kept.length === all.length) return [`${line}\n`];
      return kept.length === 0 ? [] : [`${address} ${kept.join(" ")}\n`];
    })
    .join("");
}

/** With files asked first for hosts; undefined where they are, or where there is no such file. */
function filesFirst(text: string | undefined): string | undefined {
  const [line, services] = /^hosts:\s*(.*)$/m.exec(text ?? "") ?? [];
  if (text === undefined || line === undefined || services!.startsWith("files")) return undefined;
  return text.replace(line, () => `hosts: files ${services}`);
}
