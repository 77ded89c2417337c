/** One Python process that connects and serves TLS on order (tls-peer.py). Asserts nothing. */
import { resolve } from "node:path";
import type { SecureVersion } from "node:tls";
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import type { Attempt, Credential } from "./tls-clients.ts";

export interface PythonOutcome {
  got: string;
  resumed: boolean;
  error: string | null;
}

export class PythonTls {
  readonly #program: Program;
  #orders = 0;

  constructor(scene: Scene) {
    this.#program = start(scene, ["python3", resolve(import.meta.dir, "tls-peer.py")], { feed: true });
  }

  connect({ prefix, credential, ...attempt }: Attempt): Promise<PythonOutcome> {
    const ahead = prefix === undefined ? {} : { prefix: Buffer.from(prefix).toString("base64") };
    return this.#order<PythonOutcome>({ do: "connect", ...attempt, ...credential, ...ahead });
  }

  /** A server that sends everything back; its port. With `ask` it wants a client certificate of that file. */
  async serve(credential: Credential, version: SecureVersion, ask?: string): Promise<number> {
    const { port } = await this.#order<{ port: number }>({ do: "serve", ...credential, version, ask });
    return port;
  }

  /** Bytes that its server at `port` has got. */
  async count(port: number): Promise<number> {
    return (await this.#order<{ bytes: number }>({ do: "count", port })).bytes;
  }

  async #order<T>(order: Record<string, unknown>): Promise<T> {
    const id = ++this.#orders;
    await this.#program.write(`${JSON.stringify({ id, ...order })}\n`);
    const [, line] = await this.#program.output("stdout", new RegExp(`^(\\{"id": ${id},.*)$`, "m"));
    return JSON.parse(line!) as T;
  }
}
