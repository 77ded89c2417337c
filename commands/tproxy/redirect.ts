/** Capture by a table of the firewall: connections are redirected to a port of loopback, and the firewall remembers where they were going. */
import { readFileSync } from "node:fs";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { whyNoMark } from "../../lib/ffi/marked-socket.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { openListener, type Listener } from "../../lib/net/listen.ts";
import { Listeners } from "../../lib/net/listeners.ts";
import { originalDestination, type TcpAddress } from "../../lib/net/original-destination.ts";
import { hasIpv6 } from "./has-ipv6.ts";
import { execute, listTable } from "./nft.ts";
import { removingText, replacingText, tableName, type Capture } from "./table.ts";
import type { Captured, Tproxy } from "./tproxy.ts";
import type { Capturing } from "./tproxy-process.ts";

export const REDIRECTED: Captured = { destinationOf: originalDestination, localOnly: false };

export class Redirect implements Capturing {
  readonly #capture: Capture;
  readonly #keepAlive: KeepAlive;
  readonly #listeners = new Listeners();
  readonly places: readonly TcpAddress[];

  constructor(capture: Capture, keepAlive: KeepAlive) {
    this.#capture = capture;
    this.#keepAlive = keepAlive;
    const { listenPort: port } = capture;
    // Without IPv6 there is nothing that could come.
    this.places = [{ ip: "127.0.0.1", port }, ...(hasIpv6() ? [{ ip: "::1", port }] : [])];
  }

  get summary(): string {
    return `capturing ports ${this.#capture.ports.join(", ")} by the table inet ${tableName(this.#capture.instance)}`;
  }

  async start(accept: Tproxy["accept"], { env }: Runtime, take: (listener: Listener) => Listener): Promise<void> {
    refuseUnmarkable(this.#capture.mark);
    const options = { keepAlive: this.#keepAlive, accept };
    try {
      await refuseRunning(this.#capture);
      for (const { ip: host, port } of this.places)
        this.#listeners.take(take(await openListener({ kind: "tcp", host, port }, env, options)));
      await execute(replacingText(this.#capture));
    } catch (error) {
      this.#listeners.close();
      throw error;
    }
  }

  /** The table stays: it leads to nobody now. */
  stopAccepting(): void {
    this.#listeners.close();
  }

  async end(): Promise<void> {
    await execute(removingText(this.#capture.instance));
  }
}

/** Removes the table that an unclean end has left. Throws `PortailError` where an instance is using it. */
export async function removeTable(capture: Capture): Promise<void> {
  await refuseRunning(capture, true);
  await execute(removingText(capture.instance));
}

function refuseUnmarkable(mark: number): void {
  const error = whyNoMark(mark);
  if (error === undefined) return;
  throw new PortailError(`the system lets us mark no connections (${error}): we would capture our own`, {
    code: "tproxy.no_mark",
    exit: EXIT.noPrivilege,
    hint: "capturing takes CAP_NET_ADMIN: start as root; `portail tproxy exec` needs no privilege",
  });
}

/** A table of our name whose port somebody listens on belongs to an instance that runs; any other is left over. */
async function refuseRunning({ instance, listenPort }: Capture, always = false): Promise<void> {
  const table = await listTable(tableName(instance));
  // Ahead of the rules that capture there may be some that lead questions for names elsewhere.
  const digits = [...(table ?? "").matchAll(/redirect to :(\d+)/g)].at(-1)?.[1];
  // Of our own port the system says by itself that it is taken.
  if (digits === undefined || (!always && Number(digits) === listenPort) || !isListening(Number(digits))) return;
  throw new PortailError(`the table inet ${tableName(instance)} is in use: its port ${digits} is listened on`, {
    code: "tproxy.instance_running",
    exit: EXIT.config,
    hint: "stop that instance, or give this one a name of its own with --instance, and its own --listen-port",
  });
}

/** State 0A of proc_net_tcp(5), at loopback. */
function isListening(port: number): boolean {
  const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .some((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return local === place && state === "0A";
    });
}
