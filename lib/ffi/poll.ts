/** Waits for many descriptors at a time: epoll(7). Reads and writes none. */
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  epoll_create1: { args: ["int"], returns: "int" },
  epoll_ctl: { args: ["int", "int", "int", "ptr"], returns: "int" },
  close: { args: ["int"], returns: "int" },
  epoll_wait: { args: ["int", "ptr", "int", "int"], returns: "int" },
} as const;

export const EPOLL = { IN: 1, OUT: 4, ERR: 8, HUP: 0x10, RDHUP: 0x2000, EDGE: 1 << 31 } as const;
const [ADD, DELETE, CHANGE] = [1, 2, 3];
const CLOEXEC = 0o2000000;
/** A `struct epoll_event` is packed on x64, and only there. */
const EVENT_WORDS = process.arch === "x64" ? 3 : 4;
const DATA_WORD = process.arch === "x64" ? 1 : 2;

export class Poll {
  readonly #calls: ReturnType<typeof open>;
  readonly #fd: number;
  readonly #most: number;
  readonly #events: Int32Array;
  readonly #event = new Int32Array(EVENT_WORDS);

  /** Of at most so many events at a time. Throws where the system has no such thing to give. */
  constructor(most: number) {
    this.#calls = open();
    this.#most = most;
    this.#fd = this.#calls.epoll_create1(CLOEXEC);
    if (this.#fd < 0) throw new Error("there is no descriptor left to wait with");
    this.#events = new Int32Array(most * EVENT_WORDS);
  }

  /** Milliseconds; -1 waits for ever. How many there are, 0 also where a signal came. */
  wait(timeout: number): number {
    return Math.max(0, this.#calls.epoll_wait(this.#fd, this.#events, this.#most, timeout));
  }

  /** Bits of `EPOLL`. */
  maskAt(i: number): number {
    return this.#events[i * EVENT_WORDS]!;
  }

  fdAt(i: number): number {
    return this.#events[i * EVENT_WORDS + DATA_WORD]!;
  }

  add(fd: number, mask: number): void {
    this.#control(ADD, fd, mask);
  }

  /** What is the case already counts as an event, too. */
  change(fd: number, mask: number): void {
    this.#control(CHANGE, fd, mask);
  }

  delete(fd: number): void {
    this.#control(DELETE, fd, 0);
  }

  /** Waits for nothing any more. */
  close(): void {
    this.#calls.close(this.#fd);
  }

  #control(operation: number, fd: number, mask: number): void {
    this.#event[0] = mask;
    this.#event[DATA_WORD] = fd;
    this.#calls.epoll_ctl(this.#fd, operation, fd, this.#event);
  }
}

function open() {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) throw new Error("there is no C library to wait with");
  return symbols;
}
