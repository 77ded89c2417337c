/** A journald of its own: in a mount namespace whose /run leads to folders of the scene. Changes nothing of this machine's. */
import { existsSync, readdirSync } from "node:fs";
import { whichPeer } from "../../scripts/peer-list.ts";
import { run, start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

const JOURNALD = "/lib/systemd/systemd-journald";
const UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"];

/** $1 is where its sockets are to be, $2 its files. */
const NAMESPACE = `
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal
mount --bind "$1" /run/systemd/journal
mount --bind "$2" /run/log/journal
exec ${JOURNALD}
`;

/** A kernel may keep ordinary users from namespaces: that counts as a program that is missing. */
const possible = whichPeer("unshare") !== null && Bun.spawnSync([...UNSHARE, "true"]).exitCode === 0;

export const JOURNALD_NEEDS = ["journalctl", possible ? "unshare" : "unshare --mount"];

export class Journald {
  readonly socket: string;
  readonly program: Program;
  readonly #files: string;

  private constructor(scene: Scene) {
    const sockets = scene.mkdir("j");
    this.socket = `${sockets}/socket`;
    this.#files = scene.mkdir("journal");
    this.program = start(scene, [...UNSHARE, "sh", "-ec", NAMESPACE, "sh", sockets, this.#files]);
  }

  static async open(scene: Scene): Promise<Journald> {
    const journald = new Journald(scene);
    await until(
      () => `journald: ${journald.program.stderr}`,
      () => existsSync(journald.socket) && readdirSync(journald.#files).length > 0,
    );
    return journald;
  }

  /** What `journalctl` shows of the entries that match, whole. */
  async show(format: "json" | "cat", ...matches: string[]): Promise<string> {
    const folder = `${this.#files}/${readdirSync(this.#files)[0]}`;
    const { stdout } = await run(["journalctl", "-D", folder, "-o", format, "--all", "--quiet", ...matches]);
    return stdout;
  }
}
