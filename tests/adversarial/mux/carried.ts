/** A multiplexer of which all TLS passes as it is, with clients and a target that the test drives byte by byte. Asserts nothing. */
import { connect, type Socket } from "node:net";
import { next } from "../../support/bulk.ts";
import { RunningMux, type MuxTables } from "../../support/mux-scene.ts";
import { helloRecord, protocolIds, serverName } from "../../support/make-hello.ts";
import { FarEnd } from "../../support/far-end.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import type { Scene } from "../../support/scene.ts";
import { RawClient } from "../raw-client.ts";

export const HELLO = Buffer.from(helloRecord({ extensions: [serverName("a.example"), protocolIds("h2", "http/1.1")] }));
/** No route takes it. */
export const STRANGE_HELLO = Buffer.from(helloRecord({ extensions: [serverName("z.example")] }));

/** A fatal alert of TLS (RFC 8446 section 6), in a record of its own. */
export function alert(description: number): Buffer {
  return Buffer.from([0x15, 3, 1, 0, 2, 2, description]);
}

/** Of a client for `a.example`. */
export function passing(target: string): MuxTables {
  return { routes: [{ name: "a", "server-name": "a.example", target, "unsafe-target": true }] };
}

/** `prefix` stands before the command line. */
export async function openCarrying(
  scene: Scene,
  target: string,
  args: readonly string[] = [],
  prefix: readonly string[] = [],
): Promise<RunningMux> {
  const portail = new Portail(FORMS[0]!, scene);
  const started = { start: (line: readonly string[]) => portail.start(line, {}, prefix) } as Portail;
  return RunningMux.open(scene, started, passing(target), args);
}

/** A connection from end to end: both sockets, after the target has got the hello. */
export interface Through {
  client: RawClient;
  target: RawClient;
}

export class Line {
  readonly mux: RunningMux;
  readonly far: FarEnd;

  private constructor(mux: RunningMux, far: FarEnd) {
    this.mux = mux;
    this.far = far;
  }

  static async open(scene: Scene, args: readonly string[] = [], prefix: readonly string[] = []): Promise<Line> {
    const far = await FarEnd.open(scene);
    return new Line(await openCarrying(scene, far.text, args, prefix), far);
  }

  client(): Promise<RawClient> {
    return RawClient.open(this.mux.port);
  }

  /** Both sockets as they are, after the target has got the hello. */
  async plain(): Promise<{ client: Socket; far: Socket }> {
    const client = connect({ port: this.mux.port, host: "127.0.0.1", allowHalfOpen: true });
    client.on("error", () => {}).write(HELLO);
    const far = await this.far.next();
    const came = await next(far);
    if (!came.equals(HELLO)) throw new Error(`the target got ${came.toString("hex")}`);
    return { client, far };
  }

  /** The hello, or whatever comes first, waits at the target. */
  async sockets(first: Uint8Array = HELLO): Promise<{ client: RawClient; far: Socket }> {
    const client = await this.client();
    client.write(first);
    return { client, far: await this.far.next() };
  }

  async through(): Promise<Through> {
    const { client, far } = await this.sockets();
    const target = RawClient.of(far);
    const came = await target.read(HELLO.length);
    if (!came.equals(HELLO)) throw new Error(`the target got ${came.toString("hex")}`);
    return { client, target };
  }
}

/** Writes a word on one side and reads it on the other, both ways. */
export async function talk({ client, target }: Through, word: string): Promise<void> {
  for (const [from, to] of [
    [client, target],
    [target, client],
  ] as const) {
    from.write(word);
    const came = String(await to.read(word.length));
    if (came !== word) throw new Error(`${JSON.stringify(came)} came, not ${JSON.stringify(word)}`);
  }
}

/** Both ends in order. */
export async function finish({ client, target }: Through): Promise<void> {
  client.end();
  await target.rest();
  target.end();
  await Promise.all([client.closed, target.closed]);
}

/** kB of memory that the process has. */
export async function resident({ program }: RunningMux): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await Bun.file(`/proc/${program.pid}/status`).text())![1]);
}
