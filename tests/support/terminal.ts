/** A program on a pseudo-terminal, as a person would start it. */
import { environment } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export class TerminalProgram {
  /** All that it has shown so far, with line ends of the terminal as newlines. */
  screen = "";
  readonly #child: Bun.Subprocess;

  constructor(scene: Scene, command: readonly string[], env: Record<string, string> = {}) {
    const decoder = new TextDecoder();
    const data = (_terminal: unknown, bytes: Uint8Array) => {
      this.screen += decoder.decode(bytes, { stream: true }).replaceAll("\r\n", "\n");
    };
    this.#child = Bun.spawn([...command], {
      env: environment({ TERM: "xterm-256color", ...env }),
      cwd: scene.folder,
      terminal: { cols: 160, rows: 40, data },
    });
    scene.defer(() => this.kill());
  }

  /** Waits until the screen matches. */
  shows(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      () => `${pattern} on the screen:\n${JSON.stringify(this.screen)}`,
      () => pattern.exec(this.screen) ?? undefined,
    );
  }

  /** As if somebody typed it; `\x03` is ^C, `\x04` is ^D. */
  type(text: string): void {
    this.#child.terminal?.write(text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  get ended(): Promise<number> {
    return this.#child.exited;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#child.terminal?.close();
  }
}
