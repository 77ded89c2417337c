/** The stub resolver: names of ours get addresses of ours, all others go to real resolvers. Opens its sockets; which names and which addresses is said from outside. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Logger } from "../../../lib/command/log.ts";
import { formatAddress, type SocketAddress } from "../../../lib/net/conn.ts";
import { openDatagrams } from "../../../lib/net/datagrams.ts";
import type { Candidate } from "../../../lib/net/dial.ts";
import { formatEndpoint, formatHostPort, isLoopback, type Endpoint } from "../../../lib/net/endpoint.ts";
import type { KeepAlive } from "../../../lib/net/keep-alive.ts";
import { Listeners } from "../../../lib/net/listeners.ts";
import { openListener, type Environment, type Listener, type ListenOptions } from "../../../lib/net/listen.ts";
import { cidrContains, formatIp, isUnspecified, parseIp, type Cidr } from "../../../lib/wire/ip.ts";
import { Answerer, type NameAnswer } from "./answerer.ts";
import type { StubCounts } from "./counts.ts";
import type { FakeAddresses } from "./fake-addresses.ts";
import { Forwarder, type UpstreamTools } from "./forwarder.ts";
import type { Lead } from "./match.ts";
import { TcpSide } from "./tcp-side.ts";
import { UdpSide, type SideParts } from "./udp-side.ts";

export interface StubOptions {
  /** Addresses, each for UDP and TCP. */
  listen: readonly Endpoint[];
  /** Who may ask at an address that is not loopback; nobody listens at such a one without it. */
  allowFrom: readonly Cidr[];
  /** Whether a name (`nameText` of lib/wire/dns.ts) is to get an address of ours. */
  match(name: string): Lead;
  fake: FakeAddresses;
  /** Of an answer, in seconds. */
  ttl: number;
  /** Resolvers for all other names, in the order in which they are asked; without any, other names are refused. */
  resolvers: readonly Candidate[];
  /** Milliseconds that one has for its answer. */
  timeout: number;
  /** Clients that wait for resolvers at a time. */
  mostWaiting: number;
  /** TCP connections of clients at a time, and milliseconds after which an idle one ends. */
  mostConnections: number;
  idle: number;
  tools: UpstreamTools;
  counts: StubCounts;
  /** Is told of each answer to a name of ours. */
  audit: ((answer: NameAnswer) => void) | undefined;
  keepAlive: KeepAlive;
  env: Environment;
  log: Logger;
}

export interface Stub {
  readonly addresses: readonly SocketAddress[];
  /** Clients that wait, and connections. */
  readonly open: number;
  /** Takes nothing more by TCP; resolves when those that wait have been answered. */
  drain(): Promise<void>;
  close(): void;
}

/** Milliseconds between two complaints. */
const PATIENCE = 10_000;

/** Ports of the system's choice before it must have none that is free. */
const TRIES = 16;

/** Opens all sockets or none. Throws `PortailError` (`listen.*`, `tproxy.dns_*`). */
export async function openStub(options: StubOptions): Promise<Stub> {
  const { counts, match, fake, ttl, resolvers, timeout, mostWaiting, tools, audit, log } = options;
  const places = options.listen.map((endpoint) => checkPlace(endpoint, options.allowFrom));
  const answerer = new Answerer({ match, fake, ttl, forwards: resolvers.length > 0, counts, audit });
  const parts: SideParts = { answerer, forwarder: undefined, counts, allowed: undefined, looped: complainer(log) };
  const listeners = new Listeners();
  const udp: UdpSide[] = [];
  const tcp: TcpSide[] = [];
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    listeners.close();
    parts.forwarder?.close();
    for (const side of tcp) side.cut();
    for (const side of udp) side.close();
  };
  try {
    for (const { endpoint, guarded } of places) {
      const own = guarded ? { ...parts, allowed: compileAllowed(options.allowFrom) } : parts;
      const side = new TcpSide(own, options.mostConnections, options.idle);
      tcp.push(side);
      const { keepAlive, env } = options;
      // Before there is a forwarder nobody is answered wrongly: both sides look for it when somebody asks.
      const both = await openBoth(endpoint, env, { keepAlive, accept: (conn) => side.accept(conn) }, own);
      udp.push(both.udp);
      listeners.take(both.listener);
    }
    checkLoops(resolvers, listeners.addresses);
    if (resolvers.length > 0) {
      const forbidden = fake.containsBytes.bind(fake);
      const settings = { resolvers, timeout, most: mostWaiting, counts, tools, forbidden };
      parts.forwarder = await openForwarder(settings, answerer);
      for (const { parts: own } of [...udp, ...tcp]) own.forwarder = parts.forwarder;
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    addresses: listeners.addresses,
    get open() {
      return counts.waiting + counts.connections;
    },
    async drain() {
      listeners.close();
      for (const side of tcp) side.drain();
      await parts.forwarder?.idle();
    },
    close,
  };
}

/**
 * TCP and UDP at one port. Where the system is to choose it, it looks at TCP alone: a port whose UDP somebody else has is held
 * until another is found, or it might be chosen again.
 */
async function openBoth(
  endpoint: Endpoint,
  env: Environment,
  options: ListenOptions,
  parts: SideParts,
): Promise<{ listener: Listener; udp: UdpSide }> {
  const held: Listener[] = [];
  try {
    for (;;) {
      const listener = await openListener(endpoint, env, options);
      const { ip, port } = listener.address as { ip: string; port: number };
      try {
        return { listener, udp: await openUdp(parts, ip, port) };
      } catch (error) {
        held.push(listener);
        const chosen = endpoint.kind === "tcp" && endpoint.port === 0;
        const isTaken = error instanceof PortailError && error.code === "listen.eaddrinuse";
        if (!chosen || !isTaken || held.length === TRIES) throw error;
      }
    }
  } finally {
    for (const listener of held) listener.close();
  }
}

async function openUdp(parts: SideParts, ip: string, port: number): Promise<UdpSide> {
  const side = new UdpSide(parts);
  try {
    side.socket = await openDatagrams(ip, side, { port, patient: true });
    return side;
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    throw new PortailError(`cannot listen on ${formatHostPort(ip, port)} by UDP: ${code}`, {
      code: `listen.${code.toLowerCase()}`,
      exit: code === "EACCES" ? EXIT.noPrivilege : EXIT.os,
      hint: "another resolver may be there; `ss -lunp` names it",
      cause: error,
    });
  }
}

async function openForwarder(...[settings, answerer]: Parameters<typeof Forwarder.open>): Promise<Forwarder> {
  try {
    return await Forwarder.open(settings, answerer);
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    const names = settings.resolvers.map(({ ip, port }) => formatHostPort(ip, port)).join(", ");
    throw new PortailError(`cannot open sockets to ${names}: ${code}`, {
      code: "tproxy.dns_upstream",
      exit: EXIT.os,
      hint: "this machine must have a route to each of them, of IPv6 too where one has such an address",
      cause: error,
    });
  }
}

/** An address that is one, and that strangers do not reach unless they are told apart. */
function checkPlace(endpoint: Endpoint, allowFrom: readonly Cidr[]): { endpoint: Endpoint; guarded: boolean } {
  const ip = endpoint.kind === "tcp" ? parseIp(endpoint.host) : undefined;
  const text = formatEndpoint(endpoint);
  if (ip === undefined || isUnspecified(ip))
    throw new PortailError(`cannot serve names at ${text}: it is not one address and port`, {
      code: "tproxy.dns_listen",
      exit: EXIT.usage,
      hint: "write IP:PORT for each address, e.g. 127.0.0.1:53: answers must leave by the address that was asked",
    });
  const loopback = isLoopback(formatIp(ip));
  if (!loopback && allowFrom.length === 0)
    throw new PortailError(`at ${text} strangers could ask: say who may`, {
      code: "tproxy.dns_open",
      exit: EXIT.config,
      hint: "give --allow-from NETWORK, or listen on a loopback address",
    });
  return { endpoint, guarded: !loopback };
}

/** Most who ask have asked before. */
function compileAllowed(networks: readonly Cidr[]): (ip: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const ip = parseIp(text);
    const allowed = ip !== undefined && networks.some((network) => cidrContains(network, ip));
    if (known.size >= 1024) known.clear();
    known.set(text, allowed);
    return allowed;
  };
}

function checkLoops(resolvers: readonly Candidate[], own: readonly SocketAddress[]): void {
  const taken = new Set(own.map(formatAddress));
  const loop = resolvers.find((resolver) => taken.has(formatAddress(resolver)));
  if (loop === undefined) return;
  throw new PortailError(`${formatAddress(loop)} would ask itself: it is to listen there`, {
    code: "tproxy.dns_loop",
    exit: EXIT.config,
    hint: "name the resolver that was used before, e.g. the nameserver of the old resolv.conf, as --upstream",
  });
}

function complainer(log: Logger): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < PATIENCE) return;
    last = now;
    log.error("our own questions to resolvers come back to us: exempt them from the redirect of port 53", {
      code: "tproxy.dns_loop",
    });
  };
}
