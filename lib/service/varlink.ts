/** A Varlink service on a UNIX socket: connections and who they are, calls in their order, replies. What methods do is not its business. */
import type { Logger } from "../command/log.ts";
import type { Conn, ConnEvents, SocketAddress } from "../net/conn.ts";
import { Deadlines, Due } from "../net/deadlines.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { KeepAlive } from "../net/keep-alive.ts";
import { openListener, type Environment } from "../net/listen.ts";
import { unixCaller, type UnixCaller } from "../net/unix-peer.ts";
import {
  decodeCall,
  encodeError,
  encodeReply,
  VarlinkBreach,
  VarlinkFrames,
  type VarlinkCall,
} from "../wire/varlink.ts";
import { CallRate } from "./call-rate.ts";
import { serviceError, type VarlinkAnswer, type VarlinkInterface } from "./varlink-interface.ts";
import { serviceInterface, type ServiceInfo } from "./varlink-introspection.ts";

interface VarlinkOptions {
  readonly info: ServiceInfo;
  readonly interfaces: readonly VarlinkInterface[];
  readonly log: Logger;
  /** Permissions of a socket path that is made. */
  readonly mode: number;
  /** Milliseconds for a message to be whole once it began, and for a reply to be taken; 10 s. */
  readonly patience?: number;
}

export interface VarlinkListener {
  readonly address: SocketAddress;
  /** Ends all connections. */
  close(): void;
}

/** Bytes of a call. */
export const MOST_CALL = 65_536;
/**
 * Connections at a time. One more ends the oldest of the user who has the most, if there is one without a call under way:
 * nobody is shut out by others.
 */
const MOST_CONNECTIONS = 64;
/** Calls of one user in a second; more wait for the next. */
const MOST_CALLS = 100;
const PATIENCE = 10_000;

/** Throws `PortailError` (`listen.*`, `systemd.*`) when it cannot listen on `endpoint`. */
export async function openVarlink(
  endpoint: Endpoint,
  env: Environment,
  options: VarlinkOptions,
): Promise<VarlinkListener> {
  const server = new VarlinkServer(options);
  const accept = (conn: Conn) => server.admit(conn);
  const listener = await openListener(endpoint, env, {
    keepAlive: new KeepAlive(0),
    accept,
    mode: options.mode,
    always: true,
  });
  return {
    address: listener.address,
    close() {
      listener.close();
      server.close();
    },
  };
}

class VarlinkServer {
  readonly log: Logger;
  readonly deadlines: Deadlines;
  readonly #interfaces: ReadonlyMap<string, VarlinkInterface>;
  /** By user, each in the order of coming. */
  readonly #connections = new Map<number, Set<VarlinkConnection>>();
  readonly rate = new CallRate<number>(MOST_CALLS);

  constructor({ info, interfaces, log, patience = PATIENCE }: VarlinkOptions) {
    this.log = log;
    this.deadlines = new Deadlines(patience);
    const all = [serviceInterface(info, interfaces), ...interfaces];
    this.#interfaces = new Map(all.map((one) => [one.name, one]));
  }

  admit(conn: Conn): void {
    const caller = unixCaller(conn);
    if (caller === undefined) {
      this.log.warn("a control connection is refused: the system does not tell whose it is");
      conn.destroy();
      return;
    }
    this.#makeRoom();
    const connection = new VarlinkConnection(this, conn, caller);
    const mine = this.#connections.get(caller.uid) ?? new Set();
    this.#connections.set(caller.uid, mine.add(connection));
    conn.attach(connection);
  }

  #makeRoom(): void {
    const sets = [...this.#connections.values()];
    if (sets.reduce((sum, { size }) => sum + size, 0) < MOST_CONNECTIONS) return;
    const largest = sets.reduce((most, set) => (set.size > most.size ? set : most));
    const [oldest] = largest;
    const idle = [...largest].find(({ busy }) => !busy);
    (idle ?? oldest)!.conn.destroy();
  }

  leave(connection: VarlinkConnection): void {
    const { uid } = connection.caller;
    const mine = this.#connections.get(uid);
    mine?.delete(connection);
    if (mine?.size === 0) this.#connections.delete(uid);
  }

  close(): void {
    for (const mine of this.#connections.values()) for (const { conn } of mine) conn.destroy();
  }

  async answer(call: VarlinkCall, caller: UnixCaller): Promise<VarlinkAnswer> {
    const found = this.#interfaces.get(call.interface);
    if (found === undefined) return serviceError("InterfaceNotFound", "interface", call.interface);
    const method = `${call.interface}.${call.method}`;
    const run = Object.hasOwn(found.methods, call.method) ? found.methods[call.method] : undefined;
    if (run === undefined) return serviceError("MethodNotFound", "method", call.method);
    if (call.upgrade) return serviceError("InvalidParameter", "parameter", "upgrade");
    const { parameters, more } = call;
    return run({ method, parameters, more, caller });
  }
}

/** One connection: its calls are answered one after the other. */
class VarlinkConnection extends Due implements ConnEvents {
  readonly conn: Conn;
  readonly caller: UnixCaller;
  readonly #server: VarlinkServer;
  readonly #frames = new VarlinkFrames(MOST_CALL);
  #waiting: Uint8Array[] = [];
  #busy = false;
  #ended = false;
  #timed = false;
  #drained: (() => void) | undefined;

  constructor(server: VarlinkServer, conn: Conn, caller: UnixCaller) {
    super();
    this.#server = server;
    this.conn = conn;
    this.caller = caller;
  }

  /** Whether a call is under way. */
  get busy(): boolean {
    return this.#busy;
  }

  data(chunk: Uint8Array): void {
    const messages = this.#frames.push(chunk);
    if (messages instanceof VarlinkBreach) {
      this.#breach(messages);
      return;
    }
    if (messages.length > 0) this.#untimed();
    this.#waiting.push(...messages);
    if (!this.#busy) void this.#serve();
    // What comes ahead of its turn waits with the client.
    if (this.#busy) this.conn.pause();
    else this.#timePartial();
  }

  drain(): void {
    this.#drained?.();
  }

  end(): void {
    this.#ended = true;
    if (!this.#busy) this.conn.end();
  }

  close(): void {
    this.#untimed();
    this.#server.leave(this);
    this.#drained?.();
  }

  override late(): void {
    this.#server.log.debug("a control connection is cut: it is too slow", { uid: this.caller.uid });
    this.conn.destroy();
  }

  async #serve(): Promise<void> {
    this.#busy = true;
    for (const message of this.#waiting) {
      const delay = this.#server.rate.delay(this.caller.uid, performance.now());
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      if (this.conn.closed) return;
      const call = decodeCall(message);
      if (call instanceof VarlinkBreach) {
        this.#breach(call);
        return;
      }
      await this.#answer(call);
    }
    this.#waiting = [];
    this.#busy = false;
    if (this.#ended) this.conn.end();
    else this.#timePartial();
    this.conn.resume();
  }

  /** A mistake of ours in a method must not end what the daemon is there for. */
  async #answer(call: VarlinkCall): Promise<void> {
    let answer: VarlinkAnswer;
    try {
      answer = await this.#server.answer(call, this.caller);
    } catch (error) {
      this.#server.log.error(`the answer to ${call.method} failed`, { error: String(error) });
      this.conn.destroy();
      return;
    }
    if (call.oneway) return;
    if ("error" in answer) await this.#write(encodeError(answer.error, answer.parameters));
    else if ("parameters" in answer) await this.#write(encodeReply(answer.parameters));
    else {
      for (let done = false; !done && !this.conn.closed;) {
        const next = answer.replies.next();
        done = next.done === true;
        await this.#write(encodeReply(next.value, !done));
      }
    }
  }

  /** Waits until the client takes it, for as long as it may. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.conn.write(bytes) || this.conn.closed) return;
    this.#server.deadlines.add(this);
    await new Promise<void>((resolve) => (this.#drained = resolve));
    this.#server.deadlines.remove(this);
  }

  #breach({ reason }: VarlinkBreach): void {
    this.#server.log.debug(`a control connection is cut: ${reason}`, { uid: this.caller.uid });
    this.conn.destroy();
  }

  /** From its first byte on a message has one deadline: a byte now and then buys no time. */
  #timePartial(): void {
    if (this.#timed || this.#frames.begun === 0 || this.conn.closed) return;
    this.#timed = true;
    this.#server.deadlines.add(this);
  }

  #untimed(): void {
    this.#timed = false;
    this.#server.deadlines.remove(this);
  }
}
