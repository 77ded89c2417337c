/** What all clients of one proxy share: keys, policy, storage, limits, records. Speaks no protocol. */
import type { FactName } from "../../../lib/acl/facts.ts";
import type { Policy } from "../../../lib/acl/policy.ts";
import type { Identity } from "../../../lib/identity/identity.ts";
import type { AuditEvent } from "../../../lib/audit/event.ts";
import type { Engine } from "../../../lib/cipher/engine.ts";
import type { Logger } from "../../../lib/command/log.ts";
import { Deadlines } from "../../../lib/net/deadlines.ts";
import { Dialer } from "../../../lib/net/dial.ts";
import type { Resolve } from "../../../lib/net/resolve.ts";
import { Places } from "../../../lib/service/limits.ts";
import { OpenSet } from "../../../lib/service/open-set.ts";
import type { OpenConnection } from "../../../lib/status/connections.ts";
import type { DataKeys } from "../keyring.ts";
import { ChainCache } from "./chain-cache.ts";
import { Connector } from "./connector.ts";
import { Counts } from "./counts.ts";
import type { Dialect } from "./dialect.ts";
import type { Loaded, LoadedFront } from "./load.ts";
import type { Settings } from "./settings.ts";
import { MultipartMemory } from "./multipart/memory.ts";
import { Upstream } from "./upstream.ts";
import type { WriteOnce } from "./write-once.ts";
import { WrittenTags } from "./written-tags.ts";

/** A connection of a client. */
export interface Open extends OpenConnection {
  /** The drain begins: ends it if nothing is under way. */
  retire(): void;
  cut(): void;
}

interface GatewayTools {
  readonly log: Logger;
  readonly resolve: Resolve;
  readonly engine: Engine;
  readonly dialect: Dialect;
  /** Of `--write-once`; undefined where uploads are not counted. */
  readonly registry: WriteOnce | undefined;
  /** Absent where nobody reads records. */
  readonly record: ((event: AuditEvent) => void) | undefined;
  /** Where `maintenance` is looked for. */
  readonly cwd: string;
}

export class Gateway {
  #loaded: Loaded;
  #mentions: ReadonlySet<FactName> = new Set();
  draining = false;
  readonly settings: Settings;
  readonly tools: GatewayTools;
  readonly upstream: Upstream;
  readonly places: Places;
  readonly counts = new Counts();
  readonly multipart = new MultipartMemory();
  readonly written = new WrittenTags();
  readonly chains = new ChainCache();
  /** Of clients that have yet to state a request: the first, and a further one. */
  readonly asking: Deadlines;
  readonly resting: Deadlines;
  readonly open = new OpenSet<Open>();
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  readonly #dialer: Dialer;
  #sessions = 0;

  constructor(settings: Settings, loaded: Loaded, tools: GatewayTools) {
    this.settings = settings;
    this.tools = tools;
    this.#loaded = loaded;
    this.#dialer = new Dialer(settings.connectTimeout, settings.keepAlive);
    this.upstream = new Upstream(this.#connector(loaded), { answer: settings.answerTimeout });
    this.places = new Places(settings.limits);
    this.asking = new Deadlines(settings.handshakeTimeout);
    this.resting = new Deadlines(settings.restTimeout);
    this.#look();
  }

  /** Puts what was loaded anew in force: for keys and policy from the next request on, for the storage from the next connection. */
  swap(loaded: Loaded): void {
    this.#loaded = loaded;
    this.tools.dialect.use?.(loaded);
    this.upstream.swap(this.#connector(loaded));
    this.#look();
  }

  #connector({ upstream }: Loaded): Connector {
    const { settings, tools } = this;
    const { keepAlive, handshakeTimeout: timeout } = settings;
    const { resolve } = tools;
    return new Connector(settings.upstream, settings.dialled, upstream, {
      dialer: this.#dialer,
      resolve,
      keepAlive,
      timeout,
    });
  }

  #look(): void {
    this.#mentions = new Set(this.#loaded.policy?.mentions);
  }

  get keys(): DataKeys {
    return this.#loaded.keys;
  }

  get policy(): Policy | undefined {
    return this.#loaded.policy;
  }

  get front(): LoadedFront | undefined {
    return this.#loaded.front;
  }

  /** What the storage is shown. */
  get upstreamIdentity(): Identity | undefined {
    return this.#loaded.upstream?.identity;
  }

  /** Whether the policy asks for it. */
  wants(fact: FactName): boolean {
    return this.#mentions.has(fact);
  }

  get wantsHeaders(): boolean {
    return [...this.#mentions].some((name) => name.startsWith("header."));
  }

  async drain(): Promise<void> {
    this.draining = true;
    for (const open of this.open) open.retire();
    await this.open.emptied();
    this.upstream.close();
  }

  /** A name for records that no other run has. */
  nextSession(): string {
    return `${this.#run}-${(++this.#sessions).toString(36)}`;
  }

  /** Clients since the start. */
  get sessions(): number {
    return this.#sessions;
  }
}
