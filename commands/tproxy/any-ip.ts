/** Capture without a firewall: the addresses that stand for names are routed to loopback, and we listen at their ports. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { Listeners } from "../../lib/net/listeners.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import { systemProgram } from "../../lib/service/system-programs.ts";
import { cidrContains, formatCidr, parseIp, type Cidr } from "../../lib/wire/ip.ts";
import { hasIpv6 } from "./has-ipv6.ts";
import type { Captured, Tproxy } from "./tproxy.ts";
import type { Capturing } from "./tproxy-process.ts";

/** Only programs of this machine: to others the listeners are open too. */
export function anyIp(ranges: readonly Cidr[]): Captured {
  return {
    destinationOf({ local }) {
      const ip = "ip" in local ? parseIp(local.ip) : undefined;
      return ip !== undefined && "ip" in local && ranges.some((range) => cidrContains(range, ip)) ? local : undefined;
    },
    localOnly: true,
  };
}

export class AnyIp implements Capturing {
  readonly #ranges: readonly Cidr[];
  readonly #ports: readonly number[];
  readonly #keepAlive: KeepAlive;
  readonly #listeners = new Listeners();
  readonly places: readonly TcpAddress[];

  constructor(ranges: readonly Cidr[], ports: readonly number[], keepAlive: KeepAlive) {
    this.#ranges = hasIpv6() ? ranges : ranges.filter(({ base }) => base.family === 4);
    this.#ports = ports;
    this.#keepAlive = keepAlive;
    // Of both families at once, where there are two.
    const ip = hasIpv6() ? "::" : "0.0.0.0";
    this.places = ports.map((port) => ({ ip, port }));
  }

  get summary(): string {
    return `capturing ${this.#ranges.map(formatCidr).join(", ")}, ports ${this.#ports.join(", ")}`;
  }

  async start(accept: Tproxy["accept"], { env }: Runtime): Promise<void> {
    try {
      await this.#listen(accept, env);
      for (const range of this.#ranges) await route("replace", range);
    } catch (error) {
      this.#listeners.close();
      throw error;
    }
  }

  /** Removes the routes that an unclean end has left. Throws `PortailError` where an instance listens at the ports. */
  async cleanUp({ env }: Runtime): Promise<void> {
    try {
      await this.#listen(() => {}, env);
    } finally {
      this.#listeners.close();
    }
    await this.end();
  }

  async #listen(accept: Tproxy["accept"], env: Runtime["env"]): Promise<void> {
    for (const { ip: host, port } of this.places)
      await this.#listeners.open({ kind: "tcp", host, port }, env, { keepAlive: this.#keepAlive, accept });
  }

  /** The routes stay: they lead to nobody now. */
  stopAccepting(): void {
    this.#listeners.close();
  }

  async end(): Promise<void> {
    for (const range of this.#ranges) await route("del", range);
  }
}

async function route(verb: "replace" | "del", range: Cidr): Promise<void> {
  const path = systemProgram("ip");
  if (path === undefined) {
    throw new PortailError("the program ip is not there", {
      code: "tproxy.ip_missing",
      exit: EXIT.unavailable,
      hint: "install the package iproute2",
    });
  }
  const family = range.base.family === 4 ? "-4" : "-6";
  const args = [family, "route", verb, "local", formatCidr(range), "dev", "lo"];
  const child = Bun.spawn([path, ...args], { stdin: "ignore", stdout: "ignore", stderr: "pipe", env: {} });
  const stderr = await child.stderr.text();
  // What is to be removed and is not there is removed.
  if ((await child.exited) === 0 || (verb === "del" && stderr.includes("No such process"))) return;
  const denied = stderr.includes("Operation not permitted");
  throw new PortailError(`ip ${args.join(" ")}: ${JSON.stringify(stderr.trim())}`, {
    code: "tproxy.route_refused",
    exit: denied ? EXIT.noPrivilege : EXIT.os,
    hint: denied ? "routing takes CAP_NET_ADMIN: start as root" : "check --fake-range",
  });
}
