/** A `portail tunnel client` with many tunnels to one place, where servers of three kinds take turns. Asserts nothing. */
import { connect } from "node:net";
import type { SecureVersion } from "node:tls";
import { authority, save, type Certified } from "../../support/pki.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { PythonTls } from "../../support/python-tls.ts";
import { ownIdentity } from "./own-identity.ts";
import type { Scene } from "../../support/scene.ts";
import type { Credential } from "../../support/tls-clients.ts";
import { opensslServer, pythonServer, runtimeServer, type TlsServer } from "../../support/tls-servers.ts";
import { tunnelConfig, type RunningTunnel, type Table } from "../../support/tunnel-scene.ts";
import { WORD, type Attempt, type Refusals } from "./refusal.ts";
import { httpsProxy, Switch } from "./switch.ts";

/** Of a tunnel that goes through an HTTPS proxy; TLS within TLS is the second of the two ways in which it is spoken. */
export const proxied = (tunnel: string) => `${tunnel}, proxied`;

export class ClientStage {
  readonly scene: Scene;
  readonly client: RunningTunnel;
  readonly switch: Switch;
  readonly python: PythonTls;
  readonly #names: string[];
  readonly #saved = new Map<Certified, Credential>();
  readonly #base: number;

  private constructor(scene: Scene, client: RunningTunnel, to: Switch, names: string[]) {
    this.scene = scene;
    this.client = client;
    this.switch = to;
    this.python = new PythonTls(scene);
    this.#names = names;
    this.#base = client.sockets();
  }

  /** Each of `tunnels` is there twice: straight, and `proxied`. */
  static async open(scene: Scene, trusts: Record<string, Table>, tunnels: Record<string, Table>): Promise<ClientStage> {
    const to = await Switch.open(scene);
    const proxies = authority("Proxies");
    const proxy = `https://localhost:${await httpsProxy(scene, proxies.issue(), to)}`;
    const place = { listen: ["127.0.0.1:0"], target: [`localhost:${to.port}`] };
    const straight = Object.entries(tunnels).map(([name, keys]): [string, Table] => [name, { ...place, ...keys }]);
    const rows = [...straight, ...straight.map(([name, keys]): [string, Table] => [proxied(name), { ...keys, proxy }])];
    const config = scene.write("tunnels.toml", tunnelConfig(trusts, Object.fromEntries(rows)));
    const { identity, env } = ownIdentity(scene, authority("Clients").issue({ cn: "client" }), "client");
    const flags = [...identity, "--config", config, "--proxy-cacert", scene.write("proxies.pem", proxies.cert)];
    const client = await new Portail(FORMS[0]!, scene).tunnel({ side: "client", args: flags, env });
    return new ClientStage(
      scene,
      client,
      to,
      rows.map(([name]) => name),
    );
  }

  credential(server: Certified): Credential {
    const found = this.#saved.get(server);
    if (found !== undefined) return found;
    const saved = save(this.scene, `server-${this.#saved.size}`, server);
    this.#saved.set(server, saved);
    return saved;
  }

  /** Servers that speak this version alone, for the way straight there and for the one through the proxy; gone with `scene`. */
  async servers(scene: Scene, server: Certified, version: SecureVersion): Promise<[TlsServer[], TlsServer[]]> {
    const credential = this.credential(server);
    const [openssl, runtime, python] = await Promise.all([
      opensslServer(scene, credential, version, WORD),
      runtimeServer(scene, credential, version),
      pythonServer(this.python, credential, version),
    ]);
    return [[openssl, runtime], [python]];
  }

  /** A program sends the word into a tunnel; resolves with what came back. */
  attempt(tunnel: string): Promise<string> {
    const port = this.client.portOf(this.#names.indexOf(tunnel));
    return new Promise((resolve) => {
      let got = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(WORD));
      socket.on("data", (chunk: Buffer) => {
        got += chunk.toString("latin1");
        if (got.length >= WORD.length) socket.end();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(got));
    });
  }

  /** The same, where the servers at the end are `servers`, in turn. */
  attempts(tunnel: string, servers: readonly TlsServer[]): Attempt[] {
    return servers.map((_, i) => () => {
      if (i === 0) this.switch.lead(...servers.map(({ port }) => port));
      return this.attempt(tunnel);
    });
  }

  /** What refusals are held against; bytes are those at any of `servers`. */
  watched(servers: readonly TlsServer[]): Pick<Refusals, "tunnel" | "base" | "reached" | "touches"> {
    return {
      tunnel: this.client,
      base: this.#base,
      reached: async () => {
        const bytes = await Promise.all(servers.map((server) => server.bytes()));
        return [this.switch.connections, bytes.reduce((sum, each) => sum + each, 0)];
      },
      touches: 1,
    };
  }
}
