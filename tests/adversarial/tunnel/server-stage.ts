/** A `portail tunnel server` with many tunnels to one target that counts, and clients of three kinds for it. Asserts nothing. */
import { countingTarget, type CountingTarget } from "../../support/counting-target.ts";
import { authority, save, type Certified } from "../../support/pki.ts";
import { ownIdentity } from "./own-identity.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { PythonTls } from "../../support/python-tls.ts";
import type { Scene } from "../../support/scene.ts";
import { tlsClients, type Credential, type TlsClient } from "../../support/tls-clients.ts";
import { tunnelConfig, type RunningTunnel, type Table } from "../../support/tunnel-scene.ts";
import type { Refusals } from "./refusal.ts";
import { WORD } from "./refusal.ts";

export const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = "TLSv1.1" | (typeof VERSIONS)[number];
export type ClientName = "openssl" | "python" | "runtime";

/** Of a client that comes through a proxy; what is behind it is the second of the two ways in which TLS is spoken. */
export const PROXY_HEADER = Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n");

export interface AttemptOptions {
  tunnel: string;
  client?: Certified | undefined;
  version: TlsVersion;
  /** Goes ahead of TLS. */
  prefix?: Uint8Array;
  /** Where a session is kept, to be resumed. */
  keep?: string;
}

export class ServerStage {
  readonly scene: Scene;
  readonly server: RunningTunnel;
  readonly target: CountingTarget;
  readonly python: PythonTls;
  readonly #names: string[];
  readonly #clients: Record<ClientName, TlsClient>;
  readonly #saved = new Map<Certified, Credential>();
  readonly #base: number;

  private constructor(scene: Scene, server: RunningTunnel, target: CountingTarget, names: string[]) {
    this.scene = scene;
    this.server = server;
    this.target = target;
    this.python = new PythonTls(scene);
    this.#names = names;
    this.#clients = tlsClients(this.python);
    this.#base = server.sockets();
  }

  /** `tunnels` by their names; each has a port of its own. */
  static async open(scene: Scene, trusts: Record<string, Table>, tunnels: Record<string, Table>, args: string[] = []) {
    const target = await countingTarget(scene);
    const rows = Object.entries(tunnels).map(([name, keys]) => {
      return [name, { listen: ["127.0.0.1:0"], target: [target.text], ...keys }] as const;
    });
    const config = scene.write("tunnels.toml", tunnelConfig(trusts, Object.fromEntries(rows)));
    const { identity, env } = ownIdentity(scene, authority("Servers").issue(), "server");
    const flags = [...identity, "--config", config, ...args];
    const server = await new Portail(FORMS[0]!, scene).tunnel({ side: "server", args: flags, env });
    return new ServerStage(scene, server, target, Object.keys(tunnels));
  }

  port(tunnel: string): number {
    return this.server.portOf(this.#names.indexOf(tunnel));
  }

  credential(client: Certified): Credential {
    const found = this.#saved.get(client);
    if (found !== undefined) return found;
    const saved = save(this.scene, `client-${this.#saved.size}`, client);
    this.#saved.set(client, saved);
    return saved;
  }

  /** A client sends the word as soon as it can; resolves with what came back. */
  attempt(by: ClientName, { tunnel, client, version, prefix, keep }: AttemptOptions): Promise<string> {
    const credential = client && this.credential(client);
    return this.#clients[by]({ port: this.port(tunnel), version, send: WORD, prefix, credential, keep });
  }

  /** What refusals are held against. */
  get watched(): Pick<Refusals, "tunnel" | "base" | "reached"> {
    const { server, target } = this;
    return { tunnel: server, base: this.#base, reached: () => [target.connections, target.bytes] };
  }
}
