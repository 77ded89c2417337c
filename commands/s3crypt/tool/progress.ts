/** How far it is, on a terminal: one line that is written over and goes when it is done. */
import type { OutputStream } from "../../../lib/command/runtime.ts";

/** Milliseconds between two lines. */
const EVERY = 200;
const BAR = 20;

export class Progress {
  readonly #stderr: OutputStream;
  readonly #look: () => { taken: number; size: number | undefined };
  readonly #started = performance.now();
  readonly #timer: Timer | undefined;
  #shown = false;

  /** `look` tells how far it is. Shows nothing where nobody looks. */
  constructor(stderr: OutputStream, look: () => { taken: number; size: number | undefined }) {
    this.#stderr = stderr;
    this.#look = look;
    this.#timer = stderr.isTTY ? setInterval(() => this.#show(), EVERY) : undefined;
  }

  #show(): void {
    const { taken, size } = this.#look();
    this.#shown = true;
    const line = progressLine(taken, size, performance.now() - this.#started);
    this.#stderr.write(`\r${line.slice(0, (this.#stderr.columns ?? 80) - 1)}\u001b[K`);
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#shown) this.#stderr.write("\r\u001b[K");
  }
}

/** `size` in bytes where it is known, `time` in milliseconds. */
function progressLine(taken: number, size: number | undefined, time: number): string {
  const rate = `${bytesText(taken / Math.max(time / 1000, 0.001))}/s`;
  if (size === undefined || size === 0) return `${bytesText(taken)}  ${rate}`;
  const part = Math.min(1, taken / size);
  const bar = "#".repeat(Math.floor(part * BAR)).padEnd(BAR, ".");
  return `[${bar}] ${Math.floor(part * 100)} %  ${bytesText(taken)} of ${bytesText(size)}  ${rate}`;
}

/** In the unit that leaves fewer than four figures before the point. */
function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0
    ? `${Math.round(value)} B`
    : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`;
}
