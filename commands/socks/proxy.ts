/** What all clients of one access proxy share: policy, limits, resolver, users, records. Speaks no protocol. */
import type { FactName, Facts } from "../../lib/acl/facts.ts";
import type { Guard } from "../../lib/acl/guard.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import type { AuditEvent } from "../../lib/audit/event.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { Context } from "../../lib/context/context.ts";
import type { ContextCounts } from "../../lib/context/counts.ts";
import type { Users } from "../../lib/identity/users.ts";
import { abandonedDials, Dialer } from "../../lib/net/dial.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import type { EgressContext } from "../../lib/net/egress.ts";
import type { Resolve } from "../../lib/net/resolve.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import { CallRate } from "../../lib/service/call-rate.ts";
import { Places } from "../../lib/service/limits.ts";
import { OpenSet } from "../../lib/service/open-set.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { ControlGroups } from "./control-access.ts";
import { Counts } from "./counts.ts";
import { Egress } from "./egress.ts";
import { Backends } from "./exits.ts";
import { Wants } from "./facts.ts";
import type { Loaded, OriginTrust } from "./load.ts";
import { applyBackends } from "./load-backends.ts";
import type { LoadedTls } from "./load-tls.ts";
import { Meters } from "./meters.ts";
import { clientAddress } from "./origin.ts";
import type { Asker, Passage } from "./passage.ts";
import type { Settings } from "./settings.ts";
import type { Templates } from "./templates.ts";

/** What can be ended from outside: a tunnel, or a client that has not got that far. */
export interface Open {
  /** As records name it. */
  readonly session: string;
  /** What it is at this moment, with a state for each request that it carries. Put together when somebody asks: nothing is kept for it. */
  describe(): Iterable<OpenState>;
  /** The drain begins: ends it if nothing is under way. */
  retire(): void;
  /** Ends it now. */
  cut(): void;
}

/** `asking`: up to the request. `deciding`: up to the connection. */
export interface OpenState {
  readonly state: "asking" | "deciding" | "open";
  readonly asker: Asker;
  readonly asked: ProxyRequest | undefined;
  readonly passage: Passage | undefined;
}

/** Of a client by what is known of its request, if it has made one. */
export function stateOf(asker: Asker, asked?: ProxyRequest, passage?: Passage): OpenState {
  const state = asked === undefined ? "asking" : passage === undefined ? "deciding" : "open";
  return { state, asker, asked, passage };
}

export class Proxy {
  #loaded: Loaded;
  #wants: Wants;
  /** Undefined where the policy needs no provider. */
  #context: Context | undefined;
  /** How a request is decided. Of one load: what began with it goes on with it. */
  egress: EgressContext;
  guard: Guard = { own: [], resolvedBy: "us" };
  draining = false;
  /** Why the last reload changed nothing. */
  reloadTrouble: string | undefined;
  readonly settings: Settings;
  readonly backends: Backends;
  readonly log: Logger;
  readonly resolve: Resolve;
  /** Tunnels and forwarded exchanges. */
  readonly places: Places;
  /** Of requests by each client's network; undefined where they are not counted. */
  readonly rate: CallRate<string> | undefined;
  readonly contextCounts: ContextCounts = new Map();
  readonly counts: Counts;
  /** Undefined where nobody can look at them. */
  readonly meters: Meters | undefined;
  /** Of clients that have yet to state their request. */
  readonly deadlines: Deadlines;
  readonly open = new OpenSet<Open>();
  readonly #recorders: ((event: AuditEvent) => void)[];
  readonly #mostClients = mostClients();
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  #sessions = 0;
  /** Sockets of UDP associations that nothing else counts. */
  datagramSockets = 0;
  /** The part that forwards `http://` requests, loaded when the first one comes: it is a third of the proxy's memory. */
  readonly forwarder = whenAsked(() => import("./forward.ts").then(({ Forwarder }) => new Forwarder(this)));
  /** The part that relays datagrams, loaded when the first association is asked for. */
  readonly associations = whenAsked(() => import("./association.ts").then(({ associations }) => associations(this)));
  /** The part that speaks HTTP/2, loaded likewise. */
  readonly http2 = whenAsked(() => import("./http2.ts").then(({ Http2Front }) => new Http2Front(this)));

  constructor(
    settings: Settings,
    loaded: Loaded,
    shared: {
      log: Logger;
      resolve: Resolve;
      recorders: ((event: AuditEvent) => void)[];
      env: Readonly<Record<string, string | undefined>>;
    },
  ) {
    this.settings = settings;
    const { dialer, keepAlive, connectTimeout: timeout } = settings;
    const { log, resolve, env } = shared;
    const tools = { dialer, checkDialer: new Dialer(timeout, keepAlive), resolve, keepAlive, timeout, env };
    this.backends = new Backends(settings.exits, tools, log);
    this.#loaded = loaded;
    applyBackends(this.backends, loaded.backends);
    this.log = log;
    this.meters = settings.status === undefined ? undefined : new Meters();
    this.counts = new Counts(this.meters !== undefined);
    this.resolve = this.meters?.watched(shared.resolve) ?? shared.resolve;
    this.egress = new Egress(this, loaded.policy);
    settings.dialer.meter = this.meters;
    this.#context = this.#openContext(loaded);
    this.#wants = this.#wantsOf(loaded);
    this.#recorders = shared.recorders;
    this.places = new Places(settings.limits);
    this.rate = settings.requestRate === 0 ? undefined : new CallRate(settings.requestRate);
    this.deadlines = new Deadlines(settings.handshakeTimeout);
  }

  /** Puts what was loaded anew in force, from the next request on. */
  swap(loaded: Loaded): void {
    const before = this.#context;
    this.#loaded = loaded;
    applyBackends(this.backends, loaded.backends);
    this.#context = this.#openContext(loaded);
    this.#wants = this.#wantsOf(loaded);
    this.egress = new Egress(this, loaded.policy);
    this.counts.keepPolicies(loaded.policy.policyNames);
    void before?.retire();
  }

  #openContext({ context }: Loaded): Context | undefined {
    return context?.open({ log: this.log, resolve: this.resolve, counts: this.contextCounts });
  }

  #wantsOf({ policy, explainPolicy }: Loaded): Wants {
    const keys: readonly FactName[] = this.#context?.keys ?? [];
    return new Wants([...policy.mentions, ...(explainPolicy?.mentions ?? []), ...keys]);
  }

  /**
   * The facts of a request, and what providers know beside them. At once where the policy needs no provider, or all is
   * remembered; else within `--context-timeout`, and what is not known by then is missing.
   */
  known(facts: Facts): Facts | Promise<Facts> {
    return this.#context === undefined ? facts : this.#context.complete(facts);
  }

  /** Ends the providers; when all is over. */
  async closeContext(): Promise<void> {
    await this.#context?.close();
  }

  get policy(): Policy {
    return this.#loaded.policy;
  }

  get explainPolicy(): Policy | undefined {
    return this.#loaded.explainPolicy;
  }

  get templates(): Templates {
    return this.#loaded.templates;
  }

  get users(): Users | undefined {
    return this.#loaded.users;
  }

  get tls(): LoadedTls | undefined {
    return this.#loaded.tls;
  }

  get controlGroups(): ControlGroups {
    return this.#loaded.controlGroups;
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

  /** Whether one more client fits under the limit of open files: its own descriptor and those of all tunnels. */
  hasRoom(): boolean {
    return this.open.size + this.places.open + this.heldBesides < this.#mostClients;
  }

  /** Descriptors beside those of clients and places. */
  get heldBesides(): number {
    return abandonedDials() + this.datagramSockets;
  }

  drain(): Promise<void> {
    this.draining = true;
    this.backends.checks.stop();
    for (const open of this.open) open.retire();
    return this.open.emptied();
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

/** Loads once, when first asked; what failed, out of descriptors perhaps, is tried again by the next one that asks. */
function whenAsked<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((reason: unknown) => {
      loaded = undefined;
      throw reason;
    });
    return loaded;
  };
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
