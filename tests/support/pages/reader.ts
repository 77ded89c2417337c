/** Who reads a page and pastes its blocks, one after the other, into one shell in a network and mounts of its own. Needs root; leaves nothing. */
import { existsSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Portail } from "../portail.ts";
import { environment as clean, run, start, type Outcome, type Program } from "../program.ts";
import type { Scene } from "../scene.ts";
import { NETWORK_NEEDS } from "../two-networks.ts";
import { until } from "../until.ts";
import { prints, type FileBlock, type ShellBlock } from "./blocks.ts";

export const READER_NEEDS: readonly string[] = [...NETWORK_NEEDS, "bash", "curl", "openssl"];

/** Milliseconds that a block may take. */
const PATIENCE = 45_000;

/** $1 is a folder for what is changed, $2 the folder that is to be ~/.ssh for programs that ask who they are. */
const MACHINE = `
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
for folder in etc var root; do
  mkdir "$1/$folder" "$1/$folder-work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$1/$folder,workdir=$1/$folder-work" "/$folder"
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /root/.ssh /run/sshd
mount --bind "$2" /root/.ssh
ip link set lo up
echo up
exec sleep 1000000
`;

/** Statuses of a program that was told to end: it ends well, or knows no other way; 127 is that of one whose end the page awaited. */
const ENDED = [0, 127, 143];

/** The ends of lines whose command goes on in the background. */
const BACKGROUND = /(?<!&)&[ \t]*(?:#.*)?$/gm;

/** What serves nobody, and shows by what it prints that it has begun. */
const FOLLOWS = /^\S*portail\0audit\0/;

export class Reader {
  readonly scene: Scene;
  readonly home: string;
  /** Where the terminal stands, and the files of the page are. */
  readonly folder: string;
  readonly pid: number;
  /** What stands in front of a command line that is to run on the machine, in the folder of the page. */
  readonly prefix: readonly string[];
  /** Of the terminal, and of what is started on the machine. */
  readonly environment: Record<string, string>;
  readonly #jobs = new Set<number>();
  #terminal: Program | undefined;
  #pasted = 0;
  #left = 0;

  private constructor(scene: Scene, portail: Portail, pid: number, folder: string) {
    this.scene = scene;
    this.folder = folder;
    this.pid = pid;
    this.home = scene.mkdir("home");
    this.prefix = ["nsenter", `--target=${pid}`, "--mount", "--net", `--wdns=${folder}`, "--"];
    const bin = scene.mkdir("bin");
    symlinkSync(portail.command[0]!, join(bin, "portail"));
    const { PATH } = clean();
    this.environment = { HOME: this.home, PATH: `${bin}:${PATH}`, USER: "root", LOGNAME: "root" };
    const network = networkOf(pid);
    if (network === networkOf(process.pid)) throw new Error("the machine has no network of its own");
    scene.defer(() => sweep(network, pid));
    // An answer that says no is a failure.
    scene.write("home/.curlrc", "fail\nsilent\nshow-error\n");
  }

  /** `folder` is where the terminal stands: default an empty one. */
  static async open(scene: Scene, portail: Portail, folder = scene.mkdir("page")): Promise<Reader> {
    const places = [scene.mkdir("machine"), scene.mkdir("home/.ssh")];
    const holder = start(scene, ["unshare", "--net", "--mount", "sh", "-ec", MACHINE, "sh", ...places]);
    await holder.output("stdout", /up/);
    return new Reader(scene, portail, holder.pid, folder);
  }

  /** Names and the addresses that they have on this machine, which answers at all of them. */
  async names(hosts: Readonly<Record<string, string>>): Promise<void> {
    const addresses = [...new Set(Object.values(hosts))].filter((address) => !address.startsWith("127."));
    const script = [
      ...addresses.map((address) => `ip addr add ${address}/32 dev lo`),
      ...Object.entries(hosts).map(([name, address]) => `echo '${address} ${name}' >> /etc/hosts`),
    ];
    await this.must(["sh", "-ec", script.join("\n")]);
  }

  /** Of the reader's folder. */
  path(name: string): string {
    return resolve(this.folder, name.replace(/^~/, this.home));
  }

  /** Writes a file on the machine. */
  async write(name: string, text: string | Uint8Array, mode = "644"): Promise<string> {
    const path = this.path(name);
    const script = 'mkdir -p "$(dirname "$1")"; cat > "$1"; chmod "$2" "$1"';
    await this.must(["sh", "-ec", script, "sh", path, mode], { stdin: text });
    return path;
  }

  /** Runs a program on the machine to its end, as the reader would. */
  run(command: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Outcome> {
    return run([...this.prefix, ...command], { ...options, env: { ...this.environment, ...options.env } });
  }

  /** Runs one that must end with 0. */
  async must(command: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run(command, options);
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a program of the machine, which is there before the page is read. */
  start(scene: Scene, command: readonly string[], options: Parameters<typeof start>[2] = {}): Program {
    return start(scene, [...this.prefix, ...command], {
      ...options,
      env: { ...this.environment, ...options.env },
    });
  }

  /** Starts one and waits until it listens. */
  async serve(command: readonly string[], options: Parameters<typeof start>[2] = {}): Promise<Program> {
    const program = this.start(this.scene, command, options);
    await until(
      () => `${command.join(" ")} to listen:\n${program.stdout}${program.stderr}`,
      () => {
        if (!program.running) throw new Error(`${command.join(" ")} has ended:\n${program.stdout}${program.stderr}`);
        return descendants(program.pid).some(listens);
      },
    );
    return program;
  }

  /**
   * Pastes a block, of which what goes on in the background serves then. Throws when a command fails, does not begin to serve,
   * or when the block prints something else than the page says. With `ownTerminal` it all goes on.
   */
  async paste(block: ShellBlock, ownTerminal = false): Promise<void> {
    const number = ++this.#pasted;
    const text = ownTerminal ? `${block.text.trimEnd()} &\n` : block.text;
    const file = this.scene.write(`blocks/${number}`, text);
    await this.#shell.write(`paste ${number} ${file}\n`);
    const said = () => ["out", "err"].map((stream) => readFileSync(`${file}.${stream}`, "utf8")).join("");
    const [, jobs] = await until(
      () => `the end of the block:\n${block.text}${existsSync(`${file}.err`) ? said() : ""}${this.#shell.stderr}`,
      () => new RegExp(`^done ${number} (.*)$`, "m").exec(this.#shell.stdout) ?? undefined,
      PATIENCE,
    );
    const failures = readFileSync(`${file}.failures`, "utf8");
    if (failures !== "") throw new Error(`${failures}${said()}`);
    const { output } = block;
    const printed = readFileSync(`${file}.out`, "utf8");
    if (output !== undefined && !prints(printed, output))
      throw new Error(`it printed:\n${printed}\nand not:\n${output}`);
    const begun = jobs!
      .split(" ")
      .filter(Boolean)
      .map(Number)
      .filter((job) => !this.#jobs.has(job));
    await until(
      () => `what goes on to serve:\n${block.text}${said()}`,
      () => this.#serve(begun, text, said),
    );
  }

  /** Whether the jobs that are new do what a reader waits for: they listen, and portail says so when all of it is done. */
  #serve(begun: readonly number[], text: string, log: () => string): boolean {
    // One that ended at once is no job any more.
    if (!begun.every(lives) || begun.length < (text.match(BACKGROUND) ?? []).length)
      throw new Error(`a job has ended, and not served:\n${log()}`);
    const daemons = begun.filter((job) => !FOLLOWS.test(commandLine(job)));
    if (daemons.length < begun.length && log() === "") return false;
    const own = daemons.filter((job) => /^\S*portail\0/.test(commandLine(job)));
    if ((log().match(/ (?:answering|listening) on /g) ?? []).length < own.length) return false;
    if (!daemons.every((job) => descendants(job).some(listens))) return false;
    for (const job of begun) this.#jobs.add(job);
    return true;
  }

  /** Saves a file under the name that the page gives it. */
  save({ name, text }: FileBlock): Promise<string> {
    return this.write(name, text);
  }

  /** Tells what still runs to end. Throws when something did not end well, now or before. */
  async leave(): Promise<void> {
    await this.#shell.write("leave\n");
    const [, ends] = await this.#shell.output("stdout", new RegExp(`^left ${++this.#left} (.*)$`, "m"));
    const bad = ends!.split(" ").filter((end) => end !== "" && !ENDED.includes(Number(end.split(":")[1])));
    if (bad.length > 0) throw new Error(`jobs ended with ${bad.join(", ")}:\n${this.#said()}`);
  }

  #said(): string {
    const files = readdirSync(this.scene.path("blocks")).filter((name) => name.endsWith(".err"));
    return files.map((name) => readFileSync(this.scene.path(`blocks/${name}`), "utf8")).join("");
  }

  /** The terminal, which is opened when something is pasted. */
  get #shell(): Program {
    return (this.#terminal ??= this.start(this.scene, ["bash", "--norc", "-c", SHELL], { feed: true }));
  }
}

/** A terminal: what is pasted stays in force, jobs go on, and what a command that fails is and was is written down. */
const SHELL = `
set -o pipefail -E
all="" left=0
paste() {
  exec 9> "$2.failures"
  trap 'echo "status $?: $BASH_COMMAND" >&9' ERR
  . "$2" < /dev/null > "$2.out" 2> "$2.err"
  trap - ERR
  all="$all $(jobs -p | tr '\\n' ' ')"
  echo "done $1 $(jobs -rp | tr '\\n' ' ')"
}
leave() {
  ends=""
  for job in $(echo $all | tr ' ' '\\n' | sort -u); do
    kill "$job" 2> /dev/null
    wait "$job"
    ends="$ends $job:$?"
  done
  all=""
  left=$((left + 1))
  echo "left $left $ends"
}
while read -r line; do $line; done
`;

/** Ends what lives in a network of our own, but for `holder`, whose it is: jobs of a page that was not read to its end. */
function sweep(network: string, holder: number): void {
  for (const pid of readdirSync("/proc")
    .map(Number)
    .filter((each) => each > 0 && each !== holder)) {
    try {
      if (networkOf(pid) === network) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by now.
    }
  }
}

function networkOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}

/** Words, each with a NUL behind it. */
function commandLine(pid: number): string {
  return readable(`/proc/${pid}/cmdline`);
}

/** False for one that has ended, also when nobody has asked how. */
function lives(pid: number): boolean {
  return /^\d+ \(.*\) [^ZX]/s.test(readable(`/proc/${pid}/stat`));
}

/** A process and all below it. */
function descendants(pid: number): number[] {
  const below = readable(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...below.flatMap(descendants)];
}

/** Whether a process has a socket at which it listens, of TCP or at a path. */
function listens(pid: number): boolean {
  const listening = new Set<string>();
  for (const table of ["tcp", "tcp6"])
    for (const line of readable(`/proc/${pid}/net/${table}`).split("\n")) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === "0A") listening.add(fields[9]!);
    }
  for (const line of readable(`/proc/${pid}/net/unix`).split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === "00010000") listening.add(fields[6]!);
  }
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, fd))) ?? [];
      return inode !== undefined && listening.has(inode);
    });
  } catch {
    // It has ended, or closed the descriptor.
    return false;
  }
}

function readable(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
