/** A network of its own for the programs of a scenario: loopback only, where every port is free. Changes nothing of this machine's. */
import type { Scene } from "./scene.ts";
import { run, start, type Program } from "./program.ts";

export class OwnNetwork {
  /** What stands in front of a command line that is to run there. */
  readonly prefix: readonly string[];
  /** Of a process that lives there. */
  readonly pid: number;

  private constructor(prefix: readonly string[], pid: number) {
    this.prefix = prefix;
    this.pid = pid;
  }

  /** Lives as long as the scene. */
  static async open(scene: Scene): Promise<OwnNetwork> {
    const root = process.getuid?.() === 0;
    const holder: Program = start(scene, [
      "unshare",
      ...(root ? [] : ["--map-root-user"]),
      "--net",
      "sh",
      "-c",
      "ip link set lo up && echo up && exec sleep 1000000",
    ]);
    await holder.output("stdout", /up/);
    const user = root ? [] : ["--user", "--preserve-credentials"];
    return new OwnNetwork(["nsenter", "--target", String(holder.pid), ...user, "--net", "--"], holder.pid);
  }

  run(command: readonly string[], options: Parameters<typeof run>[1] = {}): ReturnType<typeof run> {
    return run([...this.prefix, ...command], options);
  }

  start(scene: Scene, command: readonly string[], options: Parameters<typeof start>[2] = {}): Program {
    return start(scene, [...this.prefix, ...command], options);
  }
}
