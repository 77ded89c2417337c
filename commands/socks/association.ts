/** One UDP association of a SOCKS5 client (RFC 1928 section 7): its datagrams out, each as the policy says, and the answers back. */
import { openDatagrams, type DatagramEvents, type DatagramPeer, type DatagramSocket } from "../../lib/net/datagrams.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { Holder } from "../../lib/service/limits.ts";
import type { DatagramSource } from "../../lib/session/front.ts";
import { formatIp, parseIp, sameIp, type Ip } from "../../lib/wire/ip.ts";
import { DESTINATION, FRAGMENT, headerLength } from "../../lib/wire/socks5-udp.ts";
import { dropOf, type Drop } from "./association-counts.ts";
import { Destinations } from "./association-destinations.ts";
import { Associations, type Ticking } from "./associations.ts";
import type { Asker, Refused } from "./passage.ts";
import { base, reject } from "./record.ts";
import { takePlace } from "./place.ts";
import type { Proxy } from "./proxy.ts";

/** Opens the relay of an association for the client of `asker`, or says why not. */
export type OpenAssociation = (asker: Asker, source: DatagramSource) => Promise<Association | Refused>;

export function associations(proxy: Proxy): OpenAssociation {
  const all = new Associations(proxy.settings.udp!.idle);
  return (asker, source) => openAssociation(proxy, all, asker, source);
}

async function openAssociation(
  proxy: Proxy,
  all: Associations,
  asker: Asker,
  source: DatagramSource,
): Promise<Association | Refused> {
  const ends = endsOf(asker);
  if (ends === undefined) {
    const message = "datagrams are taken only from clients that connect directly, by TCP without TLS";
    reject(proxy, asker, "protocol", message);
    return { refusal: "unsupported_command", message };
  }
  if (source.ip !== undefined && !sameIp(source.ip, ends.client)) {
    const message = `the client announces datagrams from ${formatIp(source.ip)}, which is not its address`;
    reject(proxy, asker, "protocol", message);
    return { refusal: "denied", message };
  }
  if (proxy.draining) {
    reject(proxy, asker, "draining", "an association was asked for after the stop");
    return { refusal: "draining", message: "the proxy is being stopped" };
  }
  const place = takePlace(proxy, asker);
  if ("reason" in place) {
    reject(proxy, asker, place.reason, "no place for an association");
    return { refusal: "limit", message: place.message };
  }
  const association = new Association(proxy, all, asker, { client: ends.client, port: source.port, place });
  try {
    await association.open(ends.local);
    return association;
  } catch (error) {
    proxy.places.give(place);
    const message = `no relay for an association: ${(error as { code?: string }).code ?? String(error)}`;
    reject(proxy, asker, "failed", message);
    return { refusal: "failed", message };
  }
}

/** Both addresses of a client that can send datagrams to where it connected; undefined for all others. */
function endsOf({ conn, origin }: Asker): { client: Ip; local: Ip } | undefined {
  // Behind a PROXY header datagrams would come from elsewhere, and behind TLS go in the clear.
  if (origin !== undefined || conn.tls !== undefined || !("ip" in conn.remote) || !("ip" in conn.local))
    return undefined;
  const client = parseIp(conn.remote.ip);
  const local = parseIp(conn.local.ip);
  return client === undefined || local === undefined ? undefined : { client, local };
}

/** What the header takes of a datagram comes on top of what a target may have sent. */
const scratch = new Uint8Array(66_000);

interface Client {
  client: Ip;
  /** 0 until it is known. */
  port: number;
  /** Whose place it has. */
  place: Holder;
}

export class Association implements DatagramEvents, Ticking {
  readonly #proxy: Proxy;
  readonly #all: Associations;
  readonly #asker: Asker;
  readonly #place: Holder;
  #client: DatagramPeer;
  readonly #destinations: Destinations;
  readonly #started = performance.now();
  /** When a datagram was last relayed. */
  #used: number;
  #relay!: DatagramSocket;
  #bound!: { ip: Ip; port: number };
  #over = false;
  #onIdle = () => {};
  /** Datagrams to and from targets, those that went nowhere, and bytes. */
  sent = 0;
  received = 0;
  dropped = 0;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(proxy: Proxy, all: Associations, asker: Asker, { client, port, place }: Client) {
    this.#proxy = proxy;
    this.#all = all;
    this.#asker = asker;
    this.#place = place;
    this.#client = { ip: formatIp(client), port };
    this.#used = all.now;
    this.#destinations = new Destinations(proxy, all, asker, this);
  }

  /** Binds the relay to `local`, to which the client came. */
  async open(local: Ip): Promise<void> {
    this.#relay = await openDatagrams(formatIp(local), this);
    const { addresses } = this.#proxy.settings.udp!;
    const told = addresses.find(({ family }) => family === local.family) ?? local;
    this.#bound = { ip: told, port: this.#relay.port };
    this.#all.enter(this);
    this.#used = this.#all.now;
    this.#proxy.counts.datagrams.associations++;
    this.#proxy.counts.datagrams.open++;
  }

  /** Where the client is told to send to. */
  get bound(): { ip: Ip; port: number } {
    return this.#bound;
  }

  /** `end` is called when it ends by itself, because nothing went through it for so long. */
  onIdle(end: () => void): void {
    this.#onIdle = end;
  }

  /** Something has come to the relay's port. */
  datagram(bytes: Buffer, port: number, ip: string): void {
    if (this.#over) return;
    const client = this.#client;
    if (ip !== client.ip || (port !== client.port && client.port !== 0)) return this.drop("stranger");
    const length = headerLength(bytes);
    if (length <= 0) return this.drop(length === FRAGMENT ? "fragment" : "malformed");
    // Only well-formed datagrams bind the port: any byte from the client's host would be too easy.
    if (client.port === 0) this.#client = { ip, port };
    this.#destinations.send(bytes.toString("latin1", DESTINATION, length), bytes, length);
  }

  /** A datagram went out to a target. */
  sentOut(bytes: number): void {
    const { datagrams } = this.#proxy.counts;
    this.#used = this.#all.now;
    this.sent++;
    this.sentBytes += bytes;
    datagrams.sent++;
    datagrams.sentBytes += bytes;
  }

  /** A datagram came from a target that may answer; `header` names it. */
  answered(header: Uint8Array, bytes: Uint8Array): void {
    if (this.#over) return;
    const { datagrams } = this.#proxy.counts;
    scratch.set(header);
    scratch.set(bytes, header.length);
    const failure = this.#relay.send(scratch.subarray(0, header.length + bytes.length), this.#client);
    if (failure !== undefined) return this.drop(dropOf(failure));
    this.#used = this.#all.now;
    this.received++;
    this.receivedBytes += bytes.length;
    datagrams.received++;
    datagrams.receivedBytes += bytes.length;
  }

  drop(reason: Drop): void {
    this.dropped++;
    this.#proxy.counts.datagrams.drops[reason]++;
  }

  tick(now: number): void {
    const { idle } = this.#proxy.settings.udp!;
    if (idle === 0) return;
    if (now - this.#used >= idle) {
      this.close("idle");
      this.#onIdle();
    } else this.#destinations.sweep(now - idle);
  }

  /** Gives back all that it holds and records the end; once. */
  close(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#all.leave(this);
    this.#relay.close();
    this.#destinations.close();
    this.#proxy.places.give(this.#place);
    this.#proxy.counts.datagrams.open--;
    this.#proxy.counts.closed(undefined, reason);
    if (this.#proxy.recorded) this.#recordClose(reason);
  }

  #recordClose(reason: string): void {
    const { sent, received, dropped } = this;
    const { ip, port } = this.#bound;
    this.#proxy.record({
      ...base(this.#asker),
      event: "close",
      target: formatHostPort(formatIp(ip), port),
      sent: this.sentBytes,
      received: this.receivedBytes,
      datagrams: { sent, received, dropped },
      duration: Math.round(performance.now() - this.#started),
      reason,
    });
  }
}
