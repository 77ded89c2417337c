/** A systemd of its own, as process 1 of private namespaces over an overlay of this machine's root: units run there as they are shipped. Needs root; leaves nothing behind. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { run, start, type Outcome, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Programs that it takes. */
export const SYSTEMD_PEERS = [
  "journalctl",
  "kill",
  "nsenter",
  "pivot_root",
  "setpriv",
  "systemctl",
  "umount",
  "unshare",
] as const;

/** The units of the project. */
export const UNITS = resolve(import.meta.dir, "../../packaging/systemd");

interface MachineFiles {
  /** The compiled program, `/usr/bin/portail` there. */
  binary: string;
  /** More files by absolute path. */
  files: Readonly<Record<string, string | Uint8Array>>;
}

export class OwnSystemd {
  readonly #prefix: readonly string[];

  private constructor(prefix: readonly string[]) {
    this.#prefix = prefix;
  }

  /** Resolves when units can be started. Lives as long as the scene. */
  static async open(scene: Scene, { binary, files }: MachineFiles): Promise<OwnSystemd> {
    const base = scene.mkdir("machine");
    for (const [path, content] of Object.entries(files)) scene.write(`machine/files${path}`, content, 0o644);
    const group = `portail-e2e-${process.pid}-${process.hrtime.bigint()}`;
    const holder = start(scene, [
      "setpriv",
      "--pdeathsig=KILL",
      "unshare",
      "--mount",
      "sh",
      "-euc",
      MACHINE,
      "sh",
      base,
      group,
      binary,
      UNITS,
    ]);
    scene.defer(async () => {
      await holder.kill();
      await run(["unshare", "--mount", "sh", "-c", SWEEP, "sh", base, group]);
    });
    const why = () => `systemd to come up:\n${holder.stdout}${holder.stderr}`;
    const pid = await until(why, () => (holder.running ? firstProcess(holder) : Promise.reject(new Error(why()))));
    const machine = new OwnSystemd(["nsenter", "-t", String(pid), "-a", `--root=/proc/${pid}/root`, "--wdns=/"]);
    await until(why, async () =>
      /running|degraded/.test((await machine.run(["systemctl", "is-system-running"])).stdout),
    );
    return machine;
  }

  /** Runs a program there. */
  run(command: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Outcome> {
    return run([...this.#prefix, ...command], options);
  }

  /** What is the matter with the unit is part of the error. */
  async systemctl(verb: string, unit: string): Promise<void> {
    const { status, stderr } = await this.run(["systemctl", verb, unit], { patience: 30_000 });
    if (status !== 0) throw new Error(`systemctl ${verb} ${unit}: ${stderr}${await this.#explain(unit)}`);
  }

  /** A property of the unit. */
  async show(unit: string, property: string): Promise<string> {
    const { stdout } = await this.run(["systemctl", "show", "--value", `--property=${property}`, unit]);
    return stdout.trim();
  }

  async #explain(unit: string): Promise<string> {
    const { stdout } = await this.run(["journalctl", "--no-pager", "--unit", unit]);
    return stdout;
  }
}

/** Process 1, once it is systemd: up to then its root is this machine's. */
function firstProcess({ pid }: Program): number | undefined {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  if (child === undefined || child === "") return undefined;
  return readFileSync(`/proc/${child}/comm`, "utf8") === "systemd\n" ? Number(child) : undefined;
}

const CGROUPS = `
  mkdir -p "$base/cgroups"
  mount -t cgroup2 cgroup2 "$base/cgroups"
`;

/**
 * An overlay of an overlay is not possible, so that what changes is in memory. Units of this machine are hidden: only what
 * systemd itself needs comes up.
 */
const MACHINE = `
  base=$1 group=$2 binary=$3 units=$4 root=$1/root
  mount --make-rprivate /
  ${CGROUPS}
  mkdir "$base/cgroups/$group"
  echo $$ > "$base/cgroups/$group/cgroup.procs"
  mkdir "$base/changes" "$root"
  mount -t tmpfs tmpfs "$base/changes"
  mkdir "$base/changes/upper" "$base/changes/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$base/changes/upper,workdir=$base/changes/work" "$root"
  touch "$root/usr/bin/portail"
  mount --bind "$binary" "$root/usr/bin/portail"
  find "$root/etc/systemd/system" "$root/etc/systemd/user" -mindepth 1 -delete
  find "$root/lib/systemd/system" "$root/usr/lib/systemd/user" -name '*.wants' ! -name 'sockets.target.wants' -prune -exec rm -r {} +
  find "$root/lib/systemd/system/sockets.target.wants" -mindepth 1 ! -name 'systemd-journald*' -delete
  rm -rf "$root/var/log/journal"
  cp "$units"/*.service "$units"/*.socket "$root/lib/systemd/system/"
  cp "$units"/user/* "$root/usr/lib/systemd/user/"
  cp -r "$base/files/." "$root/"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero full random tty urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,mode=0620,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  exec unshare --pid --fork --uts --ipc --cgroup --net --kill-child sh -euc '
    mount -t proc proc "$1/proc"
    mount -t sysfs sysfs "$1/sys"
    mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
    mkdir "$1/run/old"
    cd "$1"
    pivot_root . run/old
    umount --lazy /run/old
    rmdir /run/old
    # Credentials are mounted in a namespace of their own, and are to be seen in this one.
    mount --make-rshared /
    exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target --show-status=no
  ' sh "$root"
`;

/** Groups outlive their processes. */
const SWEEP = `
  base=$1 group=$2
  mount --make-rprivate /
  ${CGROUPS}
  for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -d "$base/cgroups/$group" ] || exit 0
    find "$base/cgroups/$group" -depth -type d -exec rmdir {} + && exit 0
    sleep 0.2
  done
  exit 1
`;
