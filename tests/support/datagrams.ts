/** A python3 process that receives on an AF_UNIX socket, as a service manager or a syslog daemon would. Asserts nothing. */
import { existsSync } from "node:fs";
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Prints what comes, a JSON array [pid of the sender or null, text] per line: a datagram, or a read of a stream. */
const RECEIVER = `
import json, socket, struct, sys, time
kind, address = sys.argv[1:3]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind("\\0" + address[1:] if address.startswith("@") else address)
if kind == "stream":
    receiver.listen()
print("bound", flush=True)
if len(sys.argv) > 3:
    sys.stdin.readline()
def receive(source):
    data, ancillary, _, _ = source.recvmsg(65536, socket.CMSG_SPACE(struct.calcsize("3i")))
    pid = struct.unpack("3i", ancillary[0][2])[0] if ancillary else None
    print(json.dumps([pid, data.decode()]), flush=True)
    return len(data)
if kind == "datagram":
    while True: receive(receiver)
while True:
    source, _ = receiver.accept()
    while receive(source) > 0: pass
`;

export interface Received {
  /** Of the sender, as the kernel says. */
  pid: number | null;
  text: string;
}

export class Receiver {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** Bound at `address`, a path or `@name`. With `held` it reads nothing before `release`. */
  static async open(scene: Scene, kind: "datagram" | "stream", address: string, held = false): Promise<Receiver> {
    const command = ["python3", "-c", RECEIVER, kind, address, ...(held ? ["held"] : [])];
    const program = start(scene, command, { feed: held });
    await program.output("stdout", /^bound\n/);
    return new Receiver(program);
  }

  release(): Promise<void> {
    return this.#program.write("\n");
  }

  get received(): Received[] {
    const lines = this.#program.stdout.split("\n").slice(1, -1);
    return lines.map((line) => {
      const [pid, text] = JSON.parse(line) as [number | null, string];
      return { pid, text };
    });
  }

  /** Waits for one that matches. */
  message(pattern: RegExp): Promise<Received> {
    return until(
      () => `a message ${pattern} among ${JSON.stringify(this.received)}`,
      () => this.received.find(({ text }) => pattern.test(text)),
    );
  }

  close(): Promise<void> {
    return this.#program.kill();
  }
}

/** A path for a socket of the scene: short enough, and nothing there. */
export function socketPath(scene: Scene, name: string): string {
  const path = scene.path(name);
  if (existsSync(path)) throw new Error(`${path} is taken`);
  return path;
}
