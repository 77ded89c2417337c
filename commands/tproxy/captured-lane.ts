/** What a carrier does for a transparent proxy: takes its listeners, and carries as it is what goes where the way is known. */
import { DESCRIPTORS, Lane, threadAt } from "../../lib/net/carrier/lane.ts";
import type { Closed, HandedOver, Opened } from "../../lib/net/carrier/messages.ts";
import { formatAddress, type SocketAddress } from "../../lib/net/conn.ts";
import { boundAddress } from "../../lib/net/inherited.ts";
import type { Listener } from "../../lib/net/listen.ts";
import { originalDestinationOf, type TcpAddress } from "../../lib/net/original-destination.ts";
import { CarriedSessions } from "../../lib/service/carried-sessions.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import type { ProxyDialogue } from "../../lib/session/proxy-dialogue.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { Arrival } from "./arrival.ts";
import { storyOf } from "./carried-story.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import { chooseRule } from "./rule.ts";
import { NO_LIMIT } from "./settings.ts";
import type { Tproxy } from "./tproxy.ts";

/** What the thread of a carrier is told; it can be cloned. Destinations are texts. */
export interface CapturedWays {
  gone: readonly TcpAddress[];
  learned: readonly {
    destination: TcpAddress;
    /** By which the thread names it. */
    number: number;
    target: TcpAddress;
    /** With the proxy that `target` is, if it is one. */
    through: ProxyDialogue | undefined;
    /** Milliseconds. */
    goodFor: number;
  }[];
}

/** Where connections to one destination are led. */
export interface LearnedWay {
  readonly number: number;
  readonly arrival: Pick<Arrival, "destination" | "route" | "host" | "target">;
  readonly target: TcpAddress;
  /** Milliseconds of `performance.now`. */
  learnedAt: number;
  /** Connections, and whether there was one since it was asked about. */
  open: number;
  used: boolean;
  /** Whether the thread knows it no more. */
  retired: boolean;
  /** Lets the destination stand for another name. */
  release(): void;
}

/** Milliseconds for which the thread takes a way for good, and after which it is asked about anew while it is in use. */
const GOOD_FOR = 1000;
const ASKED_AFTER = 500;
/** Milliseconds within which nobody tells the thread again. */
const SOON = 10;
/** Destinations at a time. */
const MOST = 1024;

export class CapturedLane {
  readonly #tproxy: Tproxy;
  readonly #lane: Lane;
  /** Any of the places: the thread knows the same ways at all of them. */
  #place: number | undefined;
  #count = 0;
  /** By destination, and by number. */
  readonly #known = new Map<string, LearnedWay>();
  readonly #ways = new Map<number, LearnedWay>();
  readonly sessions = new CarriedSessions();
  #looking = false;
  /** By destination: ways that are looked for, and until when none is. */
  readonly #finding = new Map<string, Promise<boolean>>();
  readonly #avoided = new Map<string, number>();

  /** `named`: whether anybody wants to know of each connection. */
  constructor(tproxy: Tproxy, mark: number | undefined, named: boolean) {
    this.#tproxy = tproxy;
    const { relayLimits, keepAlive, connectTimeout: answer } = tproxy.settings;
    const { idle, lifetime, halfClosed } = relayLimits;
    const most = Math.floor(mostClients() / DESCRIPTORS);
    this.#lane = new Lane({
      thread: threadAt(import.meta.url, "tproxy"),
      settings: { idle, lifetime, halfClosed, answer, most, mark, named },
      keepAlive,
      events: {
        accept: (conn) => tproxy.accept(conn),
        opened: (event) => this.#opened(event),
        moved: (event) => this.sessions.moved(event),
        closed: (event) => this.#closed(event),
        findWay: (client) => this.#findWay(client),
        wayFailed: (way) => this.#failed(way),
      },
    });
    tproxy.carried = () => this.#lane.carried;
    tproxy.reached = (arrival, address) => this.#reached(arrival, address);
  }

  /**
   * What is to be closed in place of `listener`, whose clients are the carrier's if that can be: it has no way to end TLS, to
   * ask whose a connection is, or to share a limit of connections.
   */
  take(listener: Listener): Listener {
    const { settings, asksUser, routes } = this.#tproxy;
    if (asksUser || settings.most < NO_LIMIT || !routes.some(isCarried)) return listener;
    const place = this.#lane.take(listener, { gone: [], learned: [] } satisfies CapturedWays);
    if (place === undefined) return listener;
    this.#place = place;
    const { endpoint, address } = listener;
    return { endpoint, address, close: () => void this.#lane.unlisten(place) };
  }

  /** Resolves when all that is carried from now on was found by the rules of now. */
  async forget(): Promise<void> {
    await this.#forget([...this.#known.values()]);
  }

  /** Hands over what is not connected yet; `emptied` resolves when all else has ended. */
  drain(): Promise<{ emptied: Promise<void> }> {
    return this.#lane.drain();
  }

  cut(): void {
    this.#lane.cut();
  }

  end(): Promise<void> {
    return this.#lane.end();
  }

  /** Before a session has to; of clients for one destination once. */
  #findWay({ fd }: HandedOver): Promise<boolean> {
    const destination = originalDestinationOf(fd, boundAddress(fd) ?? { path: "" });
    const text = destination && formatAddress(destination);
    if (destination === undefined || text === undefined || this.#isAvoided(text)) return Promise.resolve(false);
    const finding = this.#finding.get(text) ?? this.#find(destination).finally(() => this.#finding.delete(text));
    this.#finding.set(text, finding);
    return finding;
  }

  /** Where a rule and a name say all, and the name has one address. */
  async #find(destination: TcpAddress): Promise<boolean> {
    const chosen = this.#choose(destination);
    if (chosen === undefined) return false;
    const { route, host } = chosen;
    const { port } = destination;
    const found = await route.firstHop(host, port).candidates();
    if (!("length" in found) || found.length !== 1) return false;
    // The address may stand for another name by now, and the rules be others.
    const now = this.#choose(destination);
    if (now?.route !== route || now.host !== host) return false;
    return this.#learn({ destination, route, host, target: { host, port } }, found[0]!);
  }

  #choose({ ip, port }: TcpAddress): { route: Route; host: string } | undefined {
    const { names, routes, asksUser } = this.#tproxy;
    const choice = asksUser ? undefined : chooseRule(routes, port, names.namesOf(ip), undefined, names.isFake(ip));
    if (choice === undefined || choice instanceof Refusal) return undefined;
    const { rule: route, host } = choice;
    return route.ports.has(port) || !isCarried(route) ? undefined : { route, host };
  }

  /** Sessions see to its clients for a moment: they know more addresses, and say what is wrong. */
  #failed(number: number): void {
    const way = this.#ways.get(number);
    const destination = way && formatAddress(way.arrival.destination);
    if (way === undefined || destination === undefined || this.#known.get(destination) !== way) return;
    if (this.#avoided.size < MOST) this.#avoided.set(destination, performance.now() + GOOD_FOR);
    void this.#forget([way]);
    this.#lookLater();
  }

  #isAvoided(destination: string): boolean {
    const until = this.#avoided.get(destination);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    this.#avoided.delete(destination);
    return false;
  }

  #reached(arrival: Arrival, address: SocketAddress): void {
    const { asksUser, routes } = this.#tproxy;
    const { route, plain, byAddress } = arrival;
    if (asksUser || !("ip" in address) || !plain || !byAddress || !routes.includes(route) || !isCarried(route)) return;
    this.#learn(arrival, address);
  }

  /** False where it knows too many. */
  #learn(arrival: LearnedWay["arrival"], address: TcpAddress): boolean {
    if (this.#place === undefined || parseIp(address.ip) === undefined) return false;
    let way = this.#known.get(formatAddress(arrival.destination));
    if (way === undefined || !isSame(way, arrival, address)) {
      if (way === undefined && this.#known.size >= MOST) return false;
      if (way !== undefined) void this.#forget([way]);
      way = this.#enter(arrival, address);
    }
    // Many come at a time.
    if (performance.now() - way.learnedAt > SOON) this.#tell(way);
    this.#lookLater();
    return true;
  }

  /** The thread knows it from now on. */
  #tell(way: LearnedWay): void {
    const { destination, route, target: meant } = way.arrival;
    const { number, target } = way;
    const through = route.settings.proxy?.dialogue(meant);
    const learned = [{ destination, number, target, through, goodFor: GOOD_FOR }];
    way.learnedAt = performance.now();
    void this.#lane.lead(this.#place!, { gone: [], learned } satisfies CapturedWays);
  }

  #enter({ destination, route, host, target: meant }: LearnedWay["arrival"], target: TcpAddress): LearnedWay {
    const number = this.#count++;
    const arrival = { destination, route, host, target: meant };
    const release = this.#tproxy.names.hold(destination.ip);
    const way = { number, arrival, target, learnedAt: -Infinity, open: 0, used: false, retired: false, release };
    this.#known.set(formatAddress(destination), way);
    this.#ways.set(number, way);
    return way;
  }

  /** The thread is told, and what it has told until then is counted, before a way is given up. */
  async #forget(ways: readonly LearnedWay[]): Promise<void> {
    if (this.#place === undefined || ways.length === 0) return;
    const gone = ways.map(({ arrival }) => arrival.destination);
    for (const way of ways) {
      const destination = formatAddress(way.arrival.destination);
      if (this.#known.get(destination) === way) this.#known.delete(destination);
    }
    void this.#lane.lead(this.#place, { gone, learned: [] } satisfies CapturedWays);
    await this.#lane.forget(ways.map(({ number }) => number));
    for (const way of ways) {
      way.retired = true;
      this.#dropUnused(way);
    }
  }

  #dropUnused(way: LearnedWay): void {
    if (!way.retired || way.open > 0 || !this.#ways.delete(way.number)) return;
    way.release();
  }

  /** While there are any. */
  #lookLater(): void {
    if (this.#looking) return;
    this.#looking = true;
    setTimeout(() => this.#look(), ASKED_AFTER).unref();
  }

  /** What is in use is asked about; what nobody goes to stands for its name no longer than it has to. */
  #look(): void {
    this.#looking = false;
    const before = performance.now() - GOOD_FOR;
    const ways = [...this.#known.values()];
    void this.#forget(ways.filter(({ used, learnedAt }) => !used && learnedAt < before));
    for (const way of ways) if (way.used) void this.#renew(way);
    for (const destination of this.#avoided.keys()) this.#isAvoided(destination);
    if (this.#known.size + this.#avoided.size > 0) this.#lookLater();
  }

  /** Where the name leads elsewhere by now, the next client has a session, which finds out. */
  async #renew(way: LearnedWay): Promise<void> {
    const { route, target, destination } = way.arrival;
    way.used = false;
    const found = await route.firstHop(target.host, target.port).candidates();
    if (this.#known.get(formatAddress(destination)) !== way || !("length" in found)) return;
    if (found.some(({ ip }) => ip === way.target.ip)) this.#tell(way);
    else await this.#forget([way]);
  }

  #opened(event: Opened): void {
    const way = this.#ways.get(event.way)!;
    this.#tproxy.metrics.accepted++;
    way.open++;
    way.used = true;
    this.sessions.opened(event, way.arrival.route.counts, storyOf(this.#tproxy, way));
  }

  #closed(event: Closed): void {
    const way = this.#ways.get(event.way)!;
    this.sessions.closed(event, way.arrival.route.counts);
    way.open--;
    this.#dropUnused(way);
  }
}

/** Whether what it passes through can be carried: no policy is asked, and no proxy spoken to over TLS. */
function isCarried({ passthrough, settings, files }: Route): boolean {
  return passthrough && settings.proxy?.tls !== true && files.policy === undefined;
}

function isSame(
  { arrival, target }: LearnedWay,
  { route, host }: LearnedWay["arrival"],
  { ip, port }: TcpAddress,
): boolean {
  return arrival.route === route && arrival.host === host && target.ip === ip && target.port === port;
}
