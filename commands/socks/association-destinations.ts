/** Where an association's datagrams go: each destination is decided for a while, and who was sent to may answer. Owns no socket. */
import type { DatagramEvents, DatagramSocket } from "../../lib/net/datagrams.ts";
import type { Candidate } from "../../lib/net/dial.ts";
import type { Verdict } from "../../lib/net/egress.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { parseIp, type Ip } from "../../lib/wire/ip.ts";
import { decodeDestination } from "../../lib/wire/socks5-udp.ts";
import type { Association } from "./association.ts";
import { dropOf } from "./association-counts.ts";
import { decideDatagrams } from "./association-decision.ts";
import { Destination, Peer } from "./association-destination.ts";
import { AssociationSockets } from "./association-sockets.ts";
import type { Associations } from "./associations.ts";
import type { Asker } from "./passage.ts";
import { reasonOf, recordDecision, reject, targetOf } from "./record.ts";
import type { Proxy } from "./proxy.ts";

/** Milliseconds until a decision is made anew: the time of day or a provider may say otherwise by then. */
const FRESH = 30_000;
/** The same where the name did not resolve. */
const FRESH_FAILURE = 5000;
/** Destinations that an association keeps, and new ones per second: each may cost a DNS query and a line of audit. */
const MOST = 512;
const NEW_PER_SECOND = 256;
/** Datagrams that wait for one decision, and bytes that wait for all decisions of an association. */
const MOST_WAITING = 16;
const MOST_WAITING_BYTES = 64 * 1024;

export class Destinations implements DatagramEvents {
  readonly #proxy: Proxy;
  readonly #all: Associations;
  readonly #asker: Asker;
  readonly #association: Association;
  readonly #sockets: AssociationSockets;
  readonly #byHeader = new Map<string, Destination>();
  readonly #peers = new Map<string, Peer>();
  /** Decisions hold for the policy that made them. */
  #policy;
  /** Who answered last: most datagrams come from the one that the last one came from. */
  #last: Peer | undefined;
  #allowance = MOST;
  #filled: number;
  #waitingBytes = 0;
  #over = false;

  constructor(proxy: Proxy, all: Associations, asker: Asker, association: Association) {
    this.#proxy = proxy;
    this.#all = all;
    this.#asker = asker;
    this.#association = association;
    this.#sockets = new AssociationSockets(proxy, this);
    this.#policy = proxy.policy;
    this.#filled = all.now;
  }

  /** Sends `bytes` without its header, which takes `length` and names the destination by `key`. */
  send(key: string, bytes: Uint8Array, length: number): void {
    const destination = this.#byHeader.get(key) ?? this.#admit(key, bytes, length);
    if (destination === undefined) return;
    const { now } = this.#all;
    destination.used = now;
    if (this.#policy !== this.#proxy.policy) this.#expire();
    if (destination.due <= now) this.#decide(destination);
    this.#pass(destination, bytes, length);
  }

  #pass(destination: Destination, bytes: Uint8Array, from: number): void {
    if (destination.peer !== undefined) this.#forward(destination, destination.peer, bytes.subarray(from));
    else if (destination.waiting === undefined) this.#association.drop(destination.refusal);
    else this.#hold(destination.waiting, bytes.slice(from));
  }

  #forward(destination: Destination, peer: Peer, data: Uint8Array): void {
    const failure = peer.socket.send(data, peer);
    if (failure === undefined) this.#association.sentOut(data.length);
    else if (UNREACHABLE.has(failure) && destination.others.length > 0) {
      // This machine has no way to the family of the address that stands first.
      this.#detach(destination);
      this.#attach(destination);
      this.#pass(destination, data, 0);
    } else this.#association.drop(dropOf(failure));
  }

  #hold(waiting: Uint8Array[], data: Uint8Array): void {
    const fits = waiting.length < MOST_WAITING && this.#waitingBytes + data.length <= MOST_WAITING_BYTES;
    if (!fits || !this.#all.wait(data.length)) {
      this.#association.drop("limit");
      return;
    }
    this.#waitingBytes += data.length;
    waiting.push(data);
  }

  /** A destination that the client has not sent to of late. */
  #admit(key: string, bytes: Uint8Array, length: number): Destination | undefined {
    const decoded = decodeDestination(bytes, length);
    if (decoded === undefined || decoded.port === 0) {
      this.#association.drop("malformed");
      return undefined;
    }
    if (!this.#allowed() || !this.#makeRoom()) {
      this.#association.drop("limit");
      return undefined;
    }
    const { host, ip, port } = decoded;
    const canonical = ip === undefined ? canonicalHost(host) : { host, ip };
    const asked = { protocol: "socks5", host, ip, port, http: undefined, command: "udp_associate" } as const;
    const known = canonical.error === undefined ? canonical : undefined;
    const destination = new Destination(asked, known, this.#all.now);
    if (canonical.error !== undefined) {
      destination.due = Infinity;
      reject(this.#proxy, this.#asker, "bad_target", `${targetOf(asked)}: ${canonical.error}`);
    }
    this.#byHeader.set(key, destination);
    return destination;
  }

  #allowed(): boolean {
    const { now } = this.#all;
    this.#allowance = Math.min(MOST, this.#allowance + ((now - this.#filled) / 1000) * NEW_PER_SECOND);
    this.#filled = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }

  /** What was not used for longest makes way. */
  #makeRoom(): boolean {
    if (this.#byHeader.size < MOST && this.#all.keep()) return true;
    let oldest: [string, Destination] | undefined;
    for (const entry of this.#byHeader)
      if (oldest === undefined || entry[1].idleSince < oldest[1].idleSince) oldest = entry;
    if (oldest === undefined) return false;
    this.#remove(...oldest);
    return this.#all.keep();
  }

  #remove(key: string, destination: Destination): void {
    destination.turn++;
    this.#byHeader.delete(key);
    this.#all.forget();
    this.#detach(destination);
    this.#flush(destination, () => {});
  }

  /** A reload: no decision holds any longer. Those that are under way see to it themselves. */
  #expire(): void {
    this.#policy = this.#proxy.policy;
    for (const destination of this.#byHeader.values()) if (destination.due < Infinity) destination.due = 0;
    for (const peer of this.#peers.values()) peer.due = 0;
  }

  /** Decides, or decides anew; while that takes time, what is sent there waits. */
  #decide(destination: Destination): void {
    const { asked, canonical, peer, redirected } = destination;
    const { policy } = this.#proxy;
    const known = redirected ? undefined : peer?.at;
    const verdict = decideDatagrams(this.#proxy, this.#asker, asked, canonical!, known);
    const turn = ++destination.turn;
    if (!(verdict instanceof Promise)) {
      this.#decided(destination, verdict);
      return;
    }
    this.#detach(destination);
    destination.due = Infinity;
    destination.waiting ??= [];
    void verdict.then((late) => {
      if (destination.turn !== turn) return;
      // A reload came in between.
      if (policy !== this.#proxy.policy) this.#decide(destination);
      else this.#decided(destination, late);
    });
  }

  #decided(destination: Destination, verdict: Verdict): void {
    const { failure, candidates } = verdict;
    this.#record(destination, verdict);
    destination.due = this.#all.now + (failure === undefined ? FRESH : FRESH_FAILURE);
    destination.redirected = verdict.redirected;
    const { peer } = destination;
    if (peer !== undefined && candidates.some(({ ip, port }) => ip === peer.ip && port === peer.port)) {
      peer.due = destination.due;
      return;
    }
    this.#detach(destination);
    destination.refusal = failure === undefined ? "denied" : "unresolved";
    destination.others = [...candidates];
    this.#attach(destination);
  }

  /** Once; the same again is not news. */
  #record(destination: Destination, verdict: Verdict): void {
    const { decision, failure } = verdict;
    const news = `${decision.outcome} ${decision.policy} ${decision.reason} ${failure?.kind}`;
    if (news === destination.recorded) return;
    destination.recorded = news;
    this.#proxy.counts.decided(decision, reasonOf(verdict));
    recordDecision(this.#proxy, this.#asker, destination.asked, this.#proxy.policy, verdict);
  }

  /** Leads to the first address that is left; what waits goes there, or nowhere. */
  #attach(destination: Destination): void {
    const candidate = destination.others.shift();
    const address = candidate && parseIp(candidate.ip);
    if (candidate === undefined || address === undefined) {
      this.#flush(destination, () => this.#association.drop(destination.refusal));
      return;
    }
    const socket = this.#sockets.get(address.family);
    if (!(socket instanceof Promise)) {
      this.#lead(destination, candidate, address, socket);
      return;
    }
    destination.waiting ??= [];
    const turn = ++destination.turn;
    void socket.then((opened) => {
      if (destination.turn === turn) this.#lead(destination, candidate, address, opened);
    });
  }

  #lead(destination: Destination, candidate: Candidate, address: Ip, socket: DatagramSocket | undefined): void {
    if (socket === undefined) {
      destination.refusal = "limit";
      this.#attach(destination);
      return;
    }
    const key = keyOf(candidate.ip, candidate.port);
    const peer = this.#peers.get(key) ?? new Peer(candidate, address, socket);
    this.#peers.set(key, peer);
    peer.destinations.add(destination);
    peer.due = destination.due;
    peer.used = this.#all.now;
    destination.peer = peer;
    this.#flush(destination, (data) => this.#pass(destination, data, 0));
  }

  /** What waits is handed on in order; nothing waits any longer. */
  #flush(destination: Destination, take: (data: Uint8Array) => void): void {
    const { waiting } = destination;
    destination.waiting = undefined;
    for (const data of waiting ?? []) {
      this.#waitingBytes -= data.length;
      this.#all.passed(data.length);
      take(data);
    }
  }

  #detach(destination: Destination): void {
    const { peer } = destination;
    if (peer === undefined) return;
    destination.peer = undefined;
    peer.destinations.delete(destination);
    if (peer.destinations.size > 0) return;
    this.#peers.delete(keyOf(peer.ip, peer.port));
    if (this.#last === peer) this.#last = undefined;
  }

  /** Something has come to one of the sockets. */
  datagram(bytes: Buffer, port: number, ip: string): void {
    if (this.#over) return;
    const last = this.#last;
    const peer = last?.port === port && last.ip === ip ? last : this.#peers.get(keyOf(ip, port));
    if (peer === undefined) {
      this.#association.drop("unsolicited");
      return;
    }
    const { now } = this.#all;
    if (this.#policy !== this.#proxy.policy) this.#expire();
    if (peer.due <= now && !this.#mayStillAnswer(peer, now)) {
      this.#association.drop("denied");
      return;
    }
    peer.used = now;
    this.#last = peer;
    this.#association.answered(peer.header, bytes);
  }

  #mayStillAnswer(peer: Peer, now: number): boolean {
    for (const destination of peer.destinations) if (destination.due <= now) this.#decide(destination);
    return peer.destinations.size > 0;
  }

  /** Forgets what was not used since `before`. */
  sweep(before: number): void {
    for (const [key, destination] of this.#byHeader) if (destination.idleSince < before) this.#remove(key, destination);
  }

  close(): void {
    this.#over = true;
    for (const entry of this.#byHeader) this.#remove(...entry);
    this.#sockets.close();
  }
}

function keyOf(ip: string, port: number): string {
  return `${ip} ${port}`;
}

/** What the system says at once of an address that it knows no way to. */
const UNREACHABLE = new Set(["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"]);
