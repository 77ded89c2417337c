/** A carrier as the rest of the program sees it: a thread with listeners of its own, told what to do and heard of what it did. */
import { openSocketCalls, type SocketCalls } from "../../ffi/socket-calls.ts";
import type { CarrierSettings, HandedOver, Order, Told } from "./messages.ts";
import { unpackReports, type ReportEvents } from "./reports.ts";

export interface CarrierEvents extends ReportEvents {
  /** A client that this side is to see to. */
  handedOver(client: HandedOver): void;
}

/** Milliseconds for the thread to end, which the program may do without. */
const FAREWELL = 1000;

export class Carrier {
  readonly #calls: SocketCalls;
  readonly #worker: Worker;
  readonly #events: CarrierEvents;
  readonly #wake: number;
  /** Those who wait for orders to be carried out, in the order of these. */
  readonly #waiting: (() => void)[] = [];
  #ended = false;

  private constructor(calls: SocketCalls, wake: number, worker: Worker, events: CarrierEvents) {
    this.#calls = calls;
    this.#wake = wake;
    this.#worker = worker;
    this.#events = events;
    worker.addEventListener("message", ({ data }: MessageEvent<Told>) => this.#told(data));
    worker.addEventListener("error", (event) => {
      // A mistake of ours, by which clients would be lost unseen.
      queueMicrotask(() => {
        throw new Error(`the thread of a carrier failed: ${event.message}`);
      });
    });
  }

  /** `thread` is a module that serves as one (`serveCarrier`). Undefined where the system has not what it takes. */
  static begin(thread: URL | string, settings: CarrierSettings, events: CarrierEvents): Carrier | undefined {
    const calls = openSocketCalls();
    const wake = calls?.eventfd() ?? -1;
    if (calls === undefined || wake < 0) return undefined;
    const carrier = new Carrier(calls, wake, new Worker(thread), events);
    void carrier.#order({ kind: "begin", settings, wake });
    return carrier;
  }

  /** Takes clients at the listening socket `fd`, which is the carrier's from now on; `lead` comes first. */
  listen(place: number, fd: number): void {
    void this.#order({ kind: "listen", place, fd });
  }

  /** `ways` is for its way to decide; resolves when all that is told from now on was decided so. */
  lead(place: number, ways: unknown): Promise<void> {
    return this.#order({ kind: "ways", place, ways });
  }

  /** Gives a client back that was handed over. */
  giveBack({ place, fd, ip, port, accepted }: HandedOver): void {
    void this.#order({ kind: "return", client: { place, fd, ip, port, accepted } });
  }

  /** Resolves when nobody listens there any more. */
  unlisten(place: number): Promise<void> {
    return this.#order({ kind: "unlisten", place });
  }

  /** Whether clients are to wait unaccepted. */
  hold(held: boolean): void {
    void this.#order({ kind: "hold", held });
  }

  /** Resolves when all that is not connected on both sides was handed over, and all else was told; of these ways only, if any are named. */
  drain(ways?: readonly number[]): Promise<void> {
    return this.#order({ kind: "drain", ...(ways && { ways }) });
  }

  /** Ends everything, with resets. */
  cut(): Promise<void> {
    return this.#order({ kind: "cut" });
  }

  /** Ends the thread, and what it still carries. */
  async end(): Promise<void> {
    await Promise.race([this.#order({ kind: "end" }), Bun.sleep(FAREWELL)]);
    this.#ended = true;
    this.#worker.terminate();
    this.#calls.close(this.#wake);
  }

  #order(order: Order): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#worker.postMessage(order);
    this.#calls.wake(this.#wake);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #told(told: Told): void {
    switch (told.kind) {
      case "reports":
        unpackReports(told.reports, this.#events);
        break;
      case "over":
        this.#events.handedOver(told.client);
        break;
      case "done":
        this.#waiting.shift()!();
        break;
    }
  }
}
