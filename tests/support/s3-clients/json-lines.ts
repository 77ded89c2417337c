/** A client that is a library: a program that goes on and answers requests, a JSON object a line (json-lines.mjs). Knows no storage. */
import { environment } from "../program.ts";
import type { Scene } from "../scene.ts";

interface Answer {
  id: number;
  value?: unknown;
  error?: { name: string; code?: string; status?: number; message: string };
}

/** What the library threw. */
class LibraryError extends Error {
  /** Its own name for it, as `NoSuchKey`. */
  readonly code: string;
  /** Of HTTP, where it says so. */
  readonly status: number | undefined;

  constructor({ name, code, status, message }: NonNullable<Answer["error"]>) {
    super(`${code ?? name}: ${message}`);
    this.code = code ?? name;
    this.status = status;
  }
}

export class JsonLines {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 0;
  /** Once the program has ended. */
  #end: Error | undefined;

  constructor(scene: Scene, command: readonly string[], env: Record<string, string>) {
    const pipes = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
    this.#child = Bun.spawn([...command], { ...pipes, env: environment(env), cwd: scene.folder });
    void this.#read();
    scene.defer(() => {
      this.#child.kill("SIGKILL");
      return this.#child.exited;
    });
  }

  /** Rejects with a `LibraryError`, or with what the program said before it ended. */
  ask(operation: string, ...args: unknown[]): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = this.#next++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.stdin.write(`${JSON.stringify({ id, operation, args })}\n`);
    void this.#child.stdin.flush();
    return answer.promise;
  }

  async #read(): Promise<void> {
    const said = this.#child.stderr.text();
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#settle(JSON.parse(line) as Answer);
    }
    this.#end = new Error(`the client ended: ${await said}`);
    for (const { reject } of this.#waiting.values()) reject(this.#end);
  }

  #settle({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new LibraryError(error));
    else waiting?.resolve(value);
  }
}
