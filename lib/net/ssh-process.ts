/** The process of the system's OpenSSH that holds one connection and listens on a control socket. Opens no tunnel. */
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAndPass } from "../ffi/pass-descriptors.ts";
import type { BackendUrl } from "./backend-url.ts";

export type SshUrl = Extract<BackendUrl, { kind: "ssh" }>;

export interface SshTools {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds from the start to an authenticated connection. */
  readonly timeout: number;
}

/**
 * Ends SSH and removes its folder when its input ends, which our own death sees to, whatever kills us; and removes the
 * folder when SSH ends first. Signals that a terminal or a service manager sends to all of us are for us alone: SSH is to
 * live for as long as tunnels drain. Where SSH dies of a signal the shell says so, and would end of that with nobody there
 * to hear it.
 */
const WATCH = `trap '' INT TERM
folder=$1; shift
exec 3<&0
"$@" 3<&- </dev/null & ssh=$!
(echo "portail-ssh: $ssh" >&2)
{ read -r _ <&3; kill -HUP $ssh; sleep 1; kill -KILL $ssh; } 2>/dev/null & watch=$!
exec 3<&- 2>/dev/null
wait $ssh
rm -rf -- "$folder"
kill -KILL $watch`;

/** What SSH needs of our environment: its agent, its tickets, its programs. */
const PASSED = ["HOME", "PATH", "USER", "LOGNAME", "LANG", "TZ", "SSH_AUTH_SOCK", "KRB5CCNAME", "XDG_RUNTIME_DIR"];
/** Bytes of a UNIX path that OpenSSH adds to while it makes the socket. */
const LONGEST_PATH = 80;
const NOTHING = new Uint8Array(0);
/** Of a line of its output. */
const LONGEST_LINE = 4096;

export class SshProcess {
  readonly socket: string;
  /** Resolves with undefined once it listens, or with why it does not. */
  readonly ready: Promise<string | undefined>;
  ended = false;
  readonly #child: Bun.Subprocess<"pipe", "ignore", "pipe">;
  readonly #folder: string;
  readonly #ready = Promise.withResolvers<string | undefined>();
  /** Target by channel, as its own log tells. */
  readonly #channels = new Map<string, string>();
  #asked = "";
  #pid: string | undefined;
  /** Why a target was refused, last. */
  readonly #refusals = new Map<string, string>();
  #lastLine = "";

  /** Throws the system's error where it cannot be started. */
  constructor(url: SshUrl, { env, timeout }: SshTools) {
    const ssh = Bun.which("ssh", { PATH: env["PATH"] ?? "" });
    if (ssh === null) throw new Error("there is no program ssh (install openssh-client)");
    this.#folder = makeFolder(env);
    this.socket = join(this.#folder, "s");
    this.ready = this.#ready.promise;
    const command = ["/bin/sh", "-c", WATCH, "portail-ssh", this.#folder, ssh, ...flags(url, this.socket)];
    const passed = PASSED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
    try {
      const streams = { stdin: "pipe", stdout: "ignore", stderr: "pipe" } as const;
      this.#child = Bun.spawn(command, { env: Object.fromEntries(passed), ...streams });
    } catch (error) {
      rmSync(this.#folder, { recursive: true, force: true });
      throw error;
    }
    this.#child.unref();
    const timer = setTimeout(() => {
      this.#ready.resolve(`no connection within ${timeout} ms`);
      this.end();
    }, timeout);
    void this.ready.then(() => clearTimeout(timer));
    void this.#listen();
  }

  /** What it said last, for people: quoted, since parts of it are the other side's. */
  get lastWords(): string {
    return this.#lastLine === "" ? "it said nothing" : JSON.stringify(this.#lastLine);
  }

  /** Takes why `target` (`host:port`) was refused, if its log has told yet. */
  takeRefusal(target: string): string | undefined {
    const refusal = this.#refusals.get(target);
    this.#refusals.delete(target);
    return refusal;
  }

  /**
   * Whether its tunnels are still carried, told at once: when it dies, they end as if their targets had ended them. One that
   * is killed is marked as leaving before its sockets are closed, one that gives up closes its listener first.
   */
  isAlive(): boolean {
    if (this.ended || isLeaving(this.#pid)) return false;
    const fd = connectAndPass(this.socket, NOTHING, []);
    if (typeof fd === "number") closeSync(fd);
    return fd === "EAGAIN" || typeof fd === "number";
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    void Promise.resolve(this.#child.stdin.end()).catch(() => {});
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stderr) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!.slice(0, LONGEST_LINE);
      for (const line of lines) this.#onLine(line.trimEnd().slice(0, LONGEST_LINE));
      if (existsSync(this.socket)) this.#ready.resolve(undefined);
    }
    await this.#child.exited;
    this.ended = true;
    this.#ready.resolve(this.lastWords);
  }

  #onLine(line: string): void {
    const pid = /^portail-ssh: (\d+)$/.exec(line)?.[1];
    if (pid !== undefined && this.#pid === undefined) {
      this.#pid = pid;
      return;
    }
    const debug = /^debug1: (.*)$/.exec(line)?.[1];
    const asked = /channel_connect_stdio_fwd:? (.+:\d+)$/.exec(line)?.[1];
    const made = /channel (\d+): new .*stdio-forward/.exec(line)?.[1];
    const [, channel, why] = /^channel (\d+): open failed: (.*)$/.exec(line) ?? [];
    if (asked !== undefined) this.#asked = asked;
    else if (made !== undefined) this.#channels.set(made, this.#asked);
    else if (channel !== undefined) this.#refusals.set(this.#channels.get(channel) ?? "", why!);
    else if (debug === undefined && line !== "") this.#lastLine = line;
  }
}

/** PF_EXITING, in the ninth field of proc(5)'s stat. */
const EXITING = 4;

function isLeaving(pid: string | undefined): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [, , , , , , flags] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(flags) & EXITING) !== 0;
  } catch {
    return true;
  }
}

/** A folder that nobody else enters. */
function makeFolder(env: SshTools["env"]): string {
  const places = [env["XDG_RUNTIME_DIR"], env["TMPDIR"] ?? tmpdir(), "/tmp"];
  for (const place of places) {
    if (place === undefined || !place.startsWith("/") || place.length > LONGEST_PATH - 20 || !existsSync(place))
      continue;
    try {
      return mkdtempSync(join(place, "portail-ssh-"));
    } catch {
      // The next place may let us.
    }
  }
  throw new Error("there is no place for its control socket");
}

/** The user's configuration applies, but for what would make more of it than a connection that carries tunnels. */
function flags({ destination, port, config }: SshUrl, socket: string): string[] {
  const options = {
    BatchMode: "yes",
    ControlMaster: "yes",
    ControlPath: socket.replaceAll("%", "%%"),
    ControlPersist: "no",
    ClearAllForwardings: "yes",
    ForwardAgent: "no",
    ForwardX11: "no",
    ForkAfterAuthentication: "no",
    PermitLocalCommand: "no",
    RemoteCommand: "none",
    Tunnel: "no",
    // A connection that nothing comes back from is to end, for the next backend to be asked.
    ServerAliveInterval: "15",
    ServerAliveCountMax: "3",
  };
  return [
    // Its log says which tunnel a refusal is about; the control socket does not say why.
    "-v",
    "-N",
    "-T",
    ...(config === undefined ? [] : ["-F", config]),
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...(port === undefined ? [] : ["-p", port]),
    "--",
    destination,
  ];
}
