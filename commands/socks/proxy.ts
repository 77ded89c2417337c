/** What all clients of one access proxy share: policy, limits, resolver, users, records. Speaks no protocol. */
import type { Guard } from "../../lib/acl/guard.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import type { AuditEvent } from "../../lib/audit/event.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { Users } from "../../lib/identity/users.ts";
import { abandonedDials } from "../../lib/net/dial.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import type { Resolve } from "../../lib/net/resolve.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import { Places } from "../../lib/service/limits.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { Counts } from "./counts.ts";
import { Wants } from "./facts.ts";
import type { Forwarder } from "./forward.ts";
import type { Http2Front } from "./http2.ts";
import type { Loaded, OriginTrust } from "./load.ts";
import type { LoadedTls } from "./load-tls.ts";
import { clientAddress } from "./origin.ts";
import type { Asker } from "./passage.ts";
import type { Settings } from "./settings.ts";

/** What can be ended from outside: a tunnel, or a client that has not got that far. */
export interface Open {
  /** The drain begins: ends it if nothing is under way. */
  retire(): void;
  /** Ends it now. */
  cut(): void;
}

export class Proxy {
  #loaded: Loaded;
  #wants: Wants;
  guard: Guard = { own: [], resolvedBy: "us" };
  draining = false;
  readonly settings: Settings;
  readonly log: Logger;
  readonly resolve: Resolve;
  /** Tunnels and forwarded exchanges. */
  readonly places: Places;
  readonly counts = new Counts();
  /** Of clients that have yet to state their request. */
  readonly deadlines: Deadlines;
  readonly #open = new Set<Open>();
  readonly #recorders: ((event: AuditEvent) => void)[];
  readonly #mostClients = mostClients();
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  #sessions = 0;
  #forwarder: Promise<Forwarder> | undefined;
  #http2: Promise<Http2Front> | undefined;
  #emptied: (() => void) | undefined;

  constructor(
    settings: Settings,
    loaded: Loaded,
    shared: { log: Logger; resolve: Resolve; recorders: ((event: AuditEvent) => void)[] },
  ) {
    this.settings = settings;
    this.#loaded = loaded;
    this.#wants = new Wants(loaded.policy.mentions);
    this.log = shared.log;
    this.resolve = shared.resolve;
    this.#recorders = shared.recorders;
    this.places = new Places(settings.limits);
    this.deadlines = new Deadlines(settings.handshakeTimeout);
  }

  /** Puts what was loaded anew in force, from the next request on. */
  swap(loaded: Loaded): void {
    this.#loaded = loaded;
    this.#wants = new Wants(loaded.policy.mentions);
  }

  get policy(): Policy {
    return this.#loaded.policy;
  }

  get users(): Users | undefined {
    return this.#loaded.users;
  }

  get tls(): LoadedTls | undefined {
    return this.#loaded.tls;
  }

  /** What verifies origins that we speak TLS with for a client. Throws `PortailError`. */
  get originTrust(): OriginTrust {
    return this.#loaded.originTrust();
  }

  get wants(): Wants {
    return this.#wants;
  }

  /** Whether anybody reads records; without, none need be made. */
  get recorded(): boolean {
    return this.#recorders.length > 0;
  }

  record(event: AuditEvent): void {
    for (const recorder of this.#recorders) recorder(event);
  }

  get open(): number {
    return this.#open.size;
  }

  /** To be called by what opens, and again by what is gone. */
  enter(open: Open): void {
    this.#open.add(open);
  }

  leave(open: Open): void {
    this.#open.delete(open);
    if (this.#open.size === 0) this.#emptied?.();
  }

  /** Whether one more client fits under the limit of open files: its own descriptor and those of all tunnels. */
  hasRoom(): boolean {
    return this.#open.size + this.places.open + abandonedDials() < this.#mostClients;
  }

  drain(): Promise<void> {
    this.draining = true;
    for (const open of this.#open) open.retire();
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#emptied = resolve));
  }

  cut(): void {
    for (const open of this.#open) open.cut();
  }

  /** The part that forwards `http://` requests, loaded when the first one comes: it is a third of the proxy's memory. */
  forwarder(): Promise<Forwarder> {
    this.#forwarder ??= import("./forward.ts").then(
      ({ Forwarder }) => new Forwarder(this),
      (reason: unknown) => {
        // Out of descriptors, perhaps: the next request tries again.
        this.#forwarder = undefined;
        throw reason;
      },
    );
    return this.#forwarder;
  }

  /** The part that speaks HTTP/2, loaded likewise. */
  http2(): Promise<Http2Front> {
    this.#http2 ??= import("./http2.ts").then(
      ({ Http2Front }) => new Http2Front(this),
      (reason: unknown) => {
        this.#http2 = undefined;
        throw reason;
      },
    );
    return this.#http2;
  }

  /** Clients that came in since the start. */
  get sessions(): number {
    return this.#sessions;
  }

  nextSession(): number {
    return ++this.#sessions;
  }

  /** The name of a session in records: no other run has it. */
  sessionName(number: number): string {
    return `${this.#run}-${number.toString(36)}`;
  }
}

/** What a limit per client counts by: the address, or one name for all on UNIX sockets. Not asked for without a limit. */
export function clientKey(proxy: Proxy, asker: Asker): string {
  if (proxy.settings.limits.perClient === 0) return "";
  const client = clientAddress(asker);
  return "ip" in client ? client.ip : "unix";
}

/** Whom a client that has proved nothing counts as: its address, of IPv6 its /64, all of which one host can have. */
export function clientNetwork(asker: Asker): string {
  const client = clientAddress(asker);
  const ip = "ip" in client ? parseIp(client.ip) : undefined;
  if (ip === undefined) return "unix";
  return ip.family === 4 ? `${ip.d}` : `${ip.a}:${ip.b}`;
}

/** Stands for a secret in a record: enough to see that two are the same. */
export function digest(value: string): string {
  return new Bun.CryptoHasher("sha256").update(value).digest("hex").slice(0, 16);
}
