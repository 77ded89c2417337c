/** The listening sockets of a carrier: watched while clients are to come in, and not while they are to wait. Accepts nobody. */
import { EPOLL, type Poll } from "../../ffi/poll.ts";
import type { SocketCalls } from "../../ffi/socket-calls.ts";

export class Doors {
  readonly #poll: Poll;
  readonly #calls: SocketCalls;
  /** Places by descriptors. */
  readonly #places = new Map<number, number>();
  #open = true;

  constructor(poll: Poll, calls: SocketCalls) {
    this.#poll = poll;
    this.#calls = calls;
  }

  get open(): boolean {
    return this.#open;
  }

  placeOf(fd: number): number | undefined {
    return this.#places.get(fd);
  }

  /** One more; `speaksFirst` where clients are of no use before they have said something. */
  add(place: number, fd: number, speaksFirst: boolean): void {
    this.#places.set(fd, place);
    // What is accepted has both, too, the latter for a moment (acknowledger.ts).
    this.#calls.noDelay(fd);
    this.#calls.acknowledgeWithAnswers(fd);
    if (speaksFirst) this.#calls.deferAccept(fd);
    if (this.#open) this.#poll.add(fd, EPOLL.IN);
  }

  remove(place: number): void {
    for (const [fd, of] of this.#places) {
      if (of !== place) continue;
      this.#places.delete(fd);
      if (this.#open) this.#poll.delete(fd);
      this.#calls.close(fd);
    }
  }

  removeAll(): void {
    for (const place of this.#places.values()) this.remove(place);
  }

  /** Whether clients are to come in. */
  set(open: boolean): void {
    if (open === this.#open) return;
    this.#open = open;
    for (const fd of this.#places.keys()) {
      if (open) this.#poll.add(fd, EPOLL.IN);
      else this.#poll.delete(fd);
    }
  }
}
