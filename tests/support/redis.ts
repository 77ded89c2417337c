/** redis-server, in memory, which can be stopped, halted and started again on its port. Asserts nothing. */
import { freePort } from "./free-port.ts";
import { PATH, run, start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface RedisServerOptions {
  /** PEM files: it speaks TLS alone then. */
  tls?: { cert: string; key: string; ca: string };
  password?: string;
}

export class RedisServer {
  readonly port = freePort();
  readonly #scene: Scene;
  readonly #options: RedisServerOptions;
  #program: Program | undefined;

  private constructor(scene: Scene, options: RedisServerOptions) {
    this.#scene = scene;
    this.#options = options;
  }

  static async open(scene: Scene, options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(scene, options);
    await server.begin();
    return server;
  }

  async begin(): Promise<void> {
    const { tls, password } = this.#options;
    const port = ["--port", tls === undefined ? String(this.port) : "0"];
    const secured =
      tls === undefined
        ? []
        : [
            "--tls-port",
            String(this.port),
            "--tls-cert-file",
            tls.cert,
            "--tls-key-file",
            tls.key,
            "--tls-ca-cert-file",
          ].concat(tls.ca, ["--tls-auth-clients", "no"]);
    const asked = password === undefined ? [] : ["--requirepass", password];
    const kept = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", this.#scene.folder];
    this.#program = start(this.#scene, ["redis-server", ...port, ...kept, ...secured, ...asked], { env: { PATH } });
    await until("redis-server to answer", async () => (await this.ask("PING")) === "PONG");
  }

  async end(): Promise<void> {
    await this.#program?.kill();
  }

  /** It keeps its port and its connections, and answers nothing until `SIGCONT`. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#program?.signal(name);
  }

  /** What redis-cli says to a command in the database 3. */
  async ask(...words: string[]): Promise<string> {
    const { tls, password } = this.#options;
    const secured = tls === undefined ? [] : ["--tls", "--cacert", tls.ca];
    const asked: Record<string, string> = password === undefined ? {} : { REDISCLI_AUTH: password };
    const args = ["-h", "127.0.0.1", "-p", String(this.port), "-n", "3", ...secured, ...words];
    return (await run(["redis-cli", ...args], { env: { PATH, ...asked } })).stdout.trim();
  }
}
