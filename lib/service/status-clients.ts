/** Who may see whose connections are open: by a certificate that `--status-cacert` verifies and `--status-acl` lets in. Serves nobody. */
import type { Facts } from "../acl/facts.ts";
import type { Policy } from "../acl/policy.ts";
import type { Runtime } from "../command/runtime.ts";
import { identify } from "../identity/identify.ts";
import { peerFacts } from "../identity/peer.ts";
import { SourceFiles } from "../identity/source-files.ts";
import { readTrust, type Trust } from "../identity/trust.ts";
import type { Conn } from "../net/conn.ts";
import { parseIp } from "../wire/ip.ts";
import { readPolicy } from "./policy-file.ts";

/** Both or neither. */
export interface StatusClientSettings {
  readonly cacert: readonly string[];
  readonly acl: string;
}

interface Loaded {
  readonly trust: Trust;
  readonly policy: Policy;
}

export class StatusClients {
  readonly #settings: StatusClientSettings;
  readonly #command: string;
  readonly #files: SourceFiles;
  readonly #log: Runtime["log"];
  #loaded: Loaded;

  /** Throws `PortailError` (`identity.*`, `acl.*`). `command` is a fact for the policy. */
  constructor(runtime: Runtime, settings: StatusClientSettings, command: string) {
    this.#settings = settings;
    this.#command = command;
    this.#files = new SourceFiles(runtime);
    this.#log = runtime.log;
    this.#loaded = this.#load();
  }

  /** Reads the files anew; what it throws leaves all as it was. */
  reload(): void {
    this.#loaded = this.#load();
  }

  #load(): Loaded {
    const { cacert, acl } = this.#settings;
    const trust = readTrust({ cacert, crl: [] }, this.#files);
    const { policy, warnings } = readPolicy(acl);
    for (const warning of [...trust.warnings, ...(warnings === "" ? [] : [warnings])]) this.#log.warn(warning);
    return { trust, policy };
  }

  /** Another one after each reload. */
  get trust(): Trust {
    return this.#loaded.trust;
  }

  /** Of a connection whose handshake has verified the certificate, where there is one. */
  mayLook(conn: Conn): boolean {
    const { trust, policy } = this.#loaded;
    const known = identify(conn.tls, Date.now(), trust);
    if (!known.ok || known.peer === undefined) return false;
    const { remote, local, tls } = conn;
    const facts: Facts = {
      command: this.#command,
      "client.auth": "tls",
      now: Date.now(),
      ...("ip" in remote ? { "client.ip": parseIp(remote.ip), "client.port": remote.port } : {}),
      ...("port" in local ? { "listen.port": local.port } : {}),
      ...(tls === undefined ? {} : { "tls.version": tls.version }),
      ...peerFacts(known.peer, "client"),
    };
    return policy.decide(facts).outcome === "allow";
  }
}

/** For a look ahead of the start: whether the files are as they should be. Throws `PortailError` as the constructor does. */
export function checkStatusClients(runtime: Runtime, clients: StatusClientSettings | undefined, command: string): void {
  if (clients !== undefined) void new StatusClients(runtime, clients, command);
}
