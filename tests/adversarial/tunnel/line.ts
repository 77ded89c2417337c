/** A line between two plain sockets of the test: near end, `tunnel client`, `tunnel server`, far end. Asserts nothing. */
import { connect, type Socket } from "node:net";
import { next } from "../../support/bulk.ts";
import { FarEnd } from "../../support/far-end.ts";
import { authority, save } from "../../support/pki.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import type { Scene } from "../../support/scene.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

export interface LineOptions {
  version?: "TLS1.2" | "TLS1.3";
  /** Of all sockets between the four; otherwise TCP. */
  unix?: boolean;
  /** The server demands a PROXY header, so that its TLS layer begins with bytes that were read already. */
  proxied?: boolean;
  /** Further flags. */
  client?: readonly string[];
  server?: readonly string[];
  /** In place of the far end. */
  targets?: readonly string[];
  /** Files that the server may have open (RLIMIT_NOFILE). */
  descriptors?: number;
}

let lines = 0;

export class Line {
  readonly client: RunningTunnel;
  server: RunningTunnel;
  readonly far: FarEnd;
  readonly #base: [client: number, server: number];
  readonly #startServer: (listen: string) => Promise<RunningTunnel>;

  private constructor(
    client: RunningTunnel,
    server: RunningTunnel,
    far: FarEnd,
    startServer: (listen: string) => Promise<RunningTunnel>,
  ) {
    this.client = client;
    this.server = server;
    this.far = far;
    this.#base = [client.sockets(), server.sockets()];
    this.#startServer = startServer;
  }

  static async open(scene: Scene, options: LineOptions = {}): Promise<Line> {
    const { version = "TLS1.3", unix = false, proxied = false } = options;
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const path = (name: string) => scene.path(`${name}-${lines}`);
    lines++;
    const far = await FarEnd.open(scene, unix ? path("far") : undefined);
    const portail = new Portail(FORMS[0]!, scene);
    const common = ["--cacert", cacert, "--max-tls-version", version, "--status", "http://127.0.0.1:0"];
    const { targets: [target, ...more] = [far.text] } = options;
    const startServer = (listen: string) =>
      portail.tunnel({
        side: "server",
        target: target!,
        prefix: options.descriptors === undefined ? [] : limited(options.descriptors),
        listen: [listen],
        args: [
          ...more.flatMap((target) => ["--target", target]),
          "--keystore",
          save(scene, "server", ca.issue({ cn: "server" })).keystore,
          "--allow-all",
          ...(proxied ? ["--accept-proxy-from", "127.0.0.0/8"] : []),
          ...common,
          ...(options.server ?? []),
        ],
      });
    const server = await startServer(unix ? `unix:${path("middle")}` : "127.0.0.1:0");
    const hop = unix ? server.listen[0]! : `127.0.0.1:${proxied ? await announce(scene, server.port) : server.port}`;
    const client = await portail.tunnel({
      side: "client",
      target: hop,
      listen: [unix ? `unix:${path("near")}` : "127.0.0.1:0"],
      args: [
        "--keystore",
        save(scene, "client", ca.issue({ cn: "alice" })).keystore,
        ...common,
        ...(options.client ?? []),
      ],
    });
    await Promise.all([client.status(), server.status()]);
    return new Line(client, server, far, startServer);
  }

  /** Another server in place of one that is gone. */
  async restartServer(): Promise<void> {
    this.server = await this.#startServer(this.server.listen[0]!);
    await this.server.status();
  }

  /** A fresh near end. */
  near(): Promise<Socket> {
    const { port } = this.client;
    const where = port > 0 ? { port, host: "127.0.0.1" } : { path: this.client.listen[0]!.slice("unix:".length) };
    return dial(where);
  }

  /** Both ends of a connection; one at a time. */
  async connect(): Promise<{ near: Socket; far: Socket }> {
    return { near: await this.near(), far: await this.far.next() };
  }

  /** The same, once a byte has gone each way: both tunnels know that they are connected. */
  async relayed(): Promise<{ near: Socket; far: Socket }> {
    const ends = await this.connect();
    for (const [from, to] of [
      [ends.near, ends.far],
      [ends.far, ends.near],
    ] as const) {
      from.write("?");
      await next(to);
    }
    return ends;
  }

  /** Waits until no connection is counted and no socket is open but those of the beginning. */
  async settled(): Promise<void> {
    for (const [i, tunnel] of [this.client, this.server].entries()) {
      await until(
        () => `${this.#base[i]} sockets, not ${tunnel.sockets()}:\n${tunnel.program.stderr.slice(-2000)}`,
        () => tunnel.sockets() === this.#base[i],
      );
      await until("no open connection", async () => (await tunnel.metrics())["conn.open"] === 0);
      await until("the status visitors gone", () => tunnel.sockets() === this.#base[i]);
    }
  }
}

/** Stands before a command line that is to run with so many files open at most. */
function limited(descriptors: number): string[] {
  return ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh"];
}

/** A connected socket that keeps its half open; its errors are for whoever looks. */
export async function dial(where: { port: number; host: string } | { path: string }): Promise<Socket> {
  const socket = connect({ ...where, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => {});
  socket.setNoDelay(true);
  return socket;
}

/** A port from which connections go on to `port` behind a PROXY header; ends and resets go on as what they are. */
async function announce(scene: Scene, port: number): Promise<number> {
  const front = await FarEnd.open(scene);
  front.serve((client) => {
    const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    server.write("PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.resetAndDestroy());
    }
  });
  return front.port;
}
