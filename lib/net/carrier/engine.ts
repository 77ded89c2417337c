/** Carries TCP connections in a thread of its own, by system calls alone: accepts, reads the client's opening, connects, and moves bytes until both sides have ended. */
import { descriptorCalls } from "../../ffi/descriptor.ts";
import { EPOLL, Poll } from "../../ffi/poll.ts";
import { ERRNO, type SocketCalls } from "../../ffi/socket-calls.ts";
import { PROCESSOR } from "../courtesy.ts";
import { Acknowledger } from "./acknowledger.ts";
import type { Asking } from "./asking.ts";
import { Carried, NOTHING, Side, type Guide, type Way } from "./carried.ts";
import { Doors } from "./doors.ts";
import { dueFor, lookEvery } from "./limits.ts";
import type { CarriedEnd, CarrierSettings, HandedOver } from "./messages.ts";
import { Mover } from "./mover.ts";
import { ReportPacker, type PackedReports } from "./reports.ts";
import { addressOf } from "./sockaddr.ts";
import { reachTarget } from "./target-opening.ts";
import { Vigil } from "./vigil.ts";

/** What a carrier needs of its thread. */
export interface EngineHost {
  calls: SocketCalls;
  settings: CarrierSettings;
  /** Wakes the thread: there are orders. */
  wake: number;
  guideOf(place: number): Guide;
  handOver(client: HandedOver): void;
  report(reports: PackedReports): void;
}

/** Events taken at a time. */
const EVENTS = 512;
/** Bytes of an opening, or of what stands before it. */
const BUFFER = 64 * 1024;
/** Milliseconds that a report waits for others. */
const REPORT_AFTER = 20;
const BYTES = EPOLL.IN | EPOLL.RDHUP | EPOLL.EDGE;
const ENDS = EPOLL.RDHUP | EPOLL.HUP;
/** In which an opening may come; each is decided on anew. */
const MOST_PIECES = 4;

export class Engine {
  readonly #host: EngineHost;
  readonly #calls: SocketCalls;
  readonly #poll = new Poll(EVENTS);
  readonly #vigil: Vigil;
  readonly #buffer = new Uint8Array(BUFFER);
  readonly #mover: Mover;
  readonly #acknowledger: Acknowledger;
  readonly #address = new Uint8Array(32);
  readonly #addressLength = new Uint32Array(1);
  /** By descriptor. */
  readonly #sides: (Side | undefined)[] = [];
  readonly #doors: Doors;
  readonly #carried = new Set<Carried>();
  #held = false;
  #nextId = 0;
  /** How often events were taken. */
  #round = 0;
  /** Of the events that are looked at. */
  now = 0;
  readonly #reports = new ReportPacker();
  #reportAt = Infinity;
  #lookAt = 0;
  readonly #lookEvery: number;

  constructor(host: EngineHost) {
    this.#host = host;
    this.#calls = host.calls;
    this.#vigil = new Vigil(this.#poll, PROCESSOR);
    this.#doors = new Doors(this.#poll, host.calls);
    this.#mover = new Mover(host.calls, this);
    this.#acknowledger = new Acknowledger(host.calls);
    this.#lookEvery = lookEvery(host.settings);
    this.#poll.add(host.wake, EPOLL.IN);
  }

  listen(place: number, fd: number): void {
    this.#doors.add(place, fd, this.#host.guideOf(place).by === "opening");
  }

  unlisten(place: number): void {
    this.#doors.remove(place);
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#admit();
  }

  /** Hands over what is not connected on both sides; of these ways only, if any are named. */
  drain(ways?: readonly number[]): void {
    for (const one of this.#carried)
      if (!one.open && (ways === undefined || (one.way && ways.includes(one.way.number)))) this.#handOver(one);
  }

  cut(): void {
    this.drain();
    for (const one of this.#carried) this.broken(one, "cut");
  }

  /** To be called once nothing is carried any more. */
  close(): void {
    this.#doors.removeAll();
    this.#poll.close();
  }

  /** Carries until there are orders, and answers how many. */
  run(): number {
    for (;;) {
      const count = this.#vigil.wait(this.#wait());
      this.now = performance.now();
      this.#round++;
      let woken = false;
      for (let i = 0; i < count; i++) {
        const fd = this.#poll.fdAt(i);
        const side = this.#sides[fd];
        if (side !== undefined) {
          if (side.born !== this.#round) this.#happened(side, this.#poll.maskAt(i));
          continue;
        }
        const place = this.#doors.placeOf(fd);
        if (place !== undefined) this.#accept(fd, place);
        else woken ||= fd === this.#host.wake;
      }
      this.#mover.goOn();
      if (this.now >= this.#acknowledger.at) this.#acknowledger.act(this.now);
      if (this.now >= this.#lookAt) this.#look();
      if (!this.#reports.empty) this.#reportAt = Math.min(this.#reportAt, this.now + REPORT_AFTER);
      if (this.now >= this.#reportAt) this.flush();
      if (woken) return this.#calls.wakings(this.#host.wake);
    }
  }

  /** Tells what is to be told. */
  flush(): void {
    this.#reportAt = Infinity;
    if (!this.#reports.empty) this.#host.report(this.#reports.take());
  }

  /** Milliseconds until there is something to be done. */
  #wait(): number {
    if (this.#mover.hasMore) return 0;
    const looks = this.#carried.size > 0 || (!this.#doors.open && !this.#held);
    const at = Math.min(this.#reportAt, this.#acknowledger.at, looks ? this.#lookAt : Infinity);
    return at === Infinity ? -1 : Math.max(0, Math.ceil(at - performance.now()));
  }

  /** Accepts while there is room and nobody holds clients off. */
  #admit(): void {
    this.#doors.set(!this.#held && this.#carried.size < this.#host.settings.most);
  }

  #accept(listener: number, place: number): void {
    while (this.#doors.open) {
      this.#addressLength[0] = this.#address.length;
      const fd = this.#calls.accept(listener, this.#address, this.#addressLength);
      if (fd < 0) {
        const errno = this.#calls.errno();
        if (errno === ERRNO.EINTR || errno === ERRNO.ECONNABORTED) continue;
        // Without descriptors: until the next look.
        if (errno !== ERRNO.EAGAIN) this.#doors.set(false);
        return;
      }
      this.take({ place, fd, from: this.#address.slice(0, this.#addressLength[0]) });
    }
  }

  /** A client that was accepted, or was handed over and comes back. */
  take({ place, fd, from, accepted }: { place: number; fd: number; from: Uint8Array; accepted?: number }): void {
    const one = new Carried(this.#nextId++, place, fd, from, accepted ?? this.now, this.#round);
    one.tried = accepted !== undefined;
    this.#carried.add(one);
    this.#acknowledger.add(one, this.now);
    this.#sides[fd] = one.client;
    const guide = this.#host.guideOf(place);
    if (guide.by === "destination") this.#follow(one, guide);
    else if (!this.#begin(one, guide)) this.#watch(one.client);
    this.#admit();
  }

  #watch(side: Side): void {
    side.watched = true;
    side.watchedForRoom = side.pending !== undefined;
    this.#poll.add(side.fd, side.watchedForRoom ? BYTES | EPOLL.OUT : BYTES);
  }

  /** Something is pending there. */
  watchForRoom(side: Side): void {
    if (side.watchedForRoom) return;
    side.watchedForRoom = true;
    this.#poll.change(side.fd, BYTES | EPOLL.OUT);
  }

  /** The client may wait for the target to speak first; most have not said anything yet. */
  #follow(one: Carried, guide: Extract<Guide, { by: "destination" }>): void {
    const destination = descriptorCalls()?.originalDestination(one.client.fd, one.family);
    one.way = destination && guide.decide(destination);
    if (one.way === undefined || !this.#dial(one, one.way, NOTHING)) this.#handOver(one, NOTHING);
  }

  /** False where the client has not said enough yet. */
  #begin(one: Carried, guide: Extract<Guide, { by: "opening" }>): boolean {
    const buffer = this.#buffer;
    const before = one.opening.length;
    if (before > 0) buffer.set(one.opening);
    const got = this.#calls.recv(one.client.fd, before === 0 ? buffer : buffer.subarray(before));
    if (got < 0 && this.#calls.errno() === ERRNO.EAGAIN) return false;
    const length = before + Math.max(0, got);
    const opening = buffer.subarray(0, length);
    const way = got > 0 ? guide.decide(opening) : undefined;
    if (way === "more" && ++one.pieces < MOST_PIECES && length < BUFFER) {
      one.opening = opening.slice();
      return false;
    }
    one.way = way === "more" ? undefined : way;
    if (one.way === undefined || !this.#dial(one, one.way, opening)) this.#handOver(one, opening.slice());
    return true;
  }

  /** False where it cannot be. */
  #dial(one: Carried, way: Way, opening: Uint8Array): boolean {
    const { mark } = this.#host.settings;
    const reached = reachTarget(this.#calls, one, way, opening, { mark, round: this.#round });
    if (reached === undefined) return false;
    const { target } = reached;
    one.target = target;
    one.sent = opening.length;
    this.#sides[target.fd] = target;
    if (reached.taken && one.asking === undefined) this.#opened(one);
    this.#watch(target);
    return true;
  }

  #opened(one: Carried): void {
    one.open = true;
    const { number, said } = one.way!;
    const who = this.#host.settings.named ? { client: addressOf(one.from), said } : undefined;
    this.#reports.opened(one.id, number, this.now - one.accepted, who);
    // Of what came since the opening nobody will tell again.
    if (one.client.watched) this.#mover.later(one.client);
    else this.#watch(one.client);
  }

  #happened(side: Side, mask: number): void {
    const one = side.of;
    if ((mask & ENDS) !== 0) side.ending = true;
    if (!one.open) {
      if (side === one.client) {
        const guide = this.#host.guideOf(one.place);
        if (one.way === undefined && guide.by === "opening") this.#begin(one, guide);
        return;
      }
      const { pending } = side;
      if ((mask & (EPOLL.ERR | EPOLL.HUP)) !== 0 || !this.#mover.flush(side)) this.#handOver(one);
      else if (one.asking !== undefined) this.#hear(side, one.asking);
      // Who has taken a part has to take the rest.
      else if (side.pending !== pending) {
        this.#opened(one);
        // What came with it nobody will tell again.
        if ((mask & (EPOLL.IN | ENDS)) !== 0) this.#mover.later(side);
      }
      return;
    }
    if ((mask & EPOLL.ERR) !== 0) this.broken(one, side.name, ERRNO.ECONNRESET);
    else this.#mover.move(side, (mask & EPOLL.OUT) !== 0, (mask & (EPOLL.IN | ENDS)) !== 0);
  }

  /** What stands before the target has answered, perhaps. */
  #hear(side: Side, asking: Asking): void {
    const one = side.of;
    const got = this.#calls.recv(side.fd, this.#buffer);
    if (got < 0 && this.#calls.errno() === ERRNO.EAGAIN) return;
    const heard = got > 0 ? asking.hear(this.#buffer.subarray(0, got)) : undefined;
    if (heard?.over) {
      one.asking = undefined;
      this.#opened(one);
      this.#mover.bring(side, heard.bytes);
    } else if (!heard || this.#calls.send(side.fd, heard.bytes, heard.bytes.length) !== heard.bytes.length)
      this.#handOver(one);
  }

  /** Of one that is not open: whoever gets it tries, and says why it does not work. `bytes` are what the client has said. */
  #handOver(one: Carried, bytes = one.unsent): void {
    const { target, client, place, from, accepted, way } = one;
    if (target !== undefined) {
      this.#sides[target.fd] = undefined;
      this.#calls.close(target.fd);
    }
    if (client.watched) this.#poll.delete(client.fd);
    this.#calls.acknowledgeAtOnce(client.fd);
    this.#sides[client.fd] = undefined;
    this.#gone(one);
    const tried = one.tried || way !== undefined;
    this.#host.handOver({ place, fd: client.fd, ...addressOf(from), bytes, tried, accepted, way: way?.number });
  }

  #gone(one: Carried): void {
    one.closed = true;
    this.#carried.delete(one);
    this.#admit();
  }

  /** Both sides have ended. */
  ended(one: Carried): void {
    this.#close(one, (fd) => this.#calls.close(fd));
    this.#tellClosed(one, one.by!);
  }

  /** Nobody is to take half of a stream for all of it: both sides are reset. */
  broken(one: Carried, by: CarriedEnd, errno = 0): void {
    this.#close(one, (fd) => this.#calls.reset(fd));
    this.#tellClosed(one, errno === 0 ? by : (one.by ?? by), errno);
  }

  #close(one: Carried, close: (fd: number) => void): void {
    for (const side of [one.client, one.target!]) {
      this.#sides[side.fd] = undefined;
      close(side.fd);
    }
    this.#gone(one);
  }

  #tellClosed(one: Carried, by: CarriedEnd, errno = 0): void {
    const { id, sent, received, accepted } = one;
    const { number: way } = one.way!;
    this.#reports.closed({ id, way, lasted: this.now - accepted, sent, received, by, errno });
  }

  /** Whether something is too old, or has been still for too long. */
  #look(): void {
    const now = this.now;
    this.#lookAt = now + this.#lookEvery;
    this.#admit();
    const { settings } = this.#host;
    for (const one of this.#carried) {
      if (one.open && one.hasMoved(now) && settings.named) this.#reports.moved(one);
      const due = dueFor(one, now, settings);
      if (due === "hand_over") this.#handOver(one);
      else if (due === "probe") {
        one.probed = true;
        for (const { fd } of [one.client, one.target!]) this.#calls.probeAfter(fd, settings.probeAfter);
      } else if (due !== undefined) this.broken(one, due);
    }
  }
}
