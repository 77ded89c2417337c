/** Has a running program's runtime collect its garbage, by its inspector's protocol: what is resident then is what is held. Knows no command. */
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Of each measurement; the allocator gives pages back behind the collection. */
const READINGS = 21;
const BETWEEN_MS = 100;

export class Collector {
  readonly #url: string;
  #socket: WebSocket | undefined;
  #orders = 0;
  #done = 0;

  constructor(scene: Scene) {
    this.#url = `ws+unix://${scene.path("inspector.sock")}`;
  }

  /** What the program must find in its environment. */
  get env(): Record<string, string> {
    return { BUN_INSPECT: this.#url };
  }

  /** To the program that was started with `env`. */
  async connect(): Promise<void> {
    const socket = new WebSocket(this.#url);
    socket.addEventListener("message", ({ data }) => {
      const { id, error } = JSON.parse(String(data)) as { id?: number; error?: unknown };
      if (id !== undefined && error === undefined) this.#done = id;
    });
    this.#socket = socket;
    await until("the inspector", () => socket.readyState === WebSocket.OPEN);
    await this.#order("Heap.enable");
  }

  /** Collects, and answers the median of what `read` says in the seconds that follow. */
  async settled(read: () => Promise<number>): Promise<number> {
    await this.#order("Heap.gc");
    const readings: number[] = [];
    for (let i = 0; i < READINGS; i++) {
      await Bun.sleep(BETWEEN_MS);
      readings.push(await read());
    }
    return readings.toSorted((a, b) => a - b)[READINGS >> 1]!;
  }

  async #order(method: string): Promise<void> {
    const id = ++this.#orders;
    this.#socket!.send(JSON.stringify({ id, method }));
    await until(method, () => this.#done === id);
  }

  close(): void {
    this.#socket?.close();
  }
}
