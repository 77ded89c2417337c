/** A rsyslogd of its own, which takes messages by UDP, TCP and a UNIX socket, and writes what it read in them. */
import { existsSync, readFileSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** A message as rsyslogd parsed it. */
export interface SyslogRecord {
  msg: string;
  hostname: string;
  "app-name": string;
  procid: string;
  msgid: string;
  syslogfacility: string;
  syslogseverity: string;
}

export class Rsyslog {
  readonly port = freePort();
  readonly socket: string;
  readonly #scene: Scene;
  readonly #config: string;
  readonly #output: string;
  #program: Program | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.socket = scene.path("log.sock");
    this.#output = scene.path("messages.jsonl");
    const lines = [
      `global(workDirectory="${scene.mkdir("rsyslog")}" maxMessageSize="64k")`,
      `module(load="imudp") input(type="imudp" address="127.0.0.1" port="${this.port}")`,
      `module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="${this.port}")`,
      `module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="${this.socket}" UseSpecialParser="off")`,
      `template(name="j" type="list") { property(name="jsonmesg") constant(value="\\n") }`,
      `action(type="omfile" file="${this.#output}" template="j")`,
    ];
    this.#config = scene.write("rsyslog.conf", `${lines.join("\n")}\n`);
  }

  async start(): Promise<void> {
    const command = ["rsyslogd", "-n", "-f", this.#config, "-i", this.#scene.path("rsyslog.pid")];
    const program = start(this.#scene, command);
    this.#program = program;
    // It says nothing when it is there.
    await until(
      () => `rsyslogd: ${program.stderr}`,
      () =>
        Bun.connect({ hostname: "127.0.0.1", port: this.port, socket: { data() {} } }).then(
          (socket) => (socket.terminate(), existsSync(this.socket)),
          () => false,
        ),
    );
  }

  kill(): Promise<void> {
    return this.#program!.kill();
  }

  get records(): SyslogRecord[] {
    const text = existsSync(this.#output) ? readFileSync(this.#output, "utf8") : "";
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as SyslogRecord);
  }
}
