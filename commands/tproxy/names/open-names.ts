/** Names as a whole: the addresses that stand for them, where they are kept, and the stub that tells them. What is behind an address is not known here. */
import type { Logger } from "../../../lib/command/log.ts";
import type { SocketAddress } from "../../../lib/net/conn.ts";
import { Dialer } from "../../../lib/net/dial.ts";
import type { Endpoint } from "../../../lib/net/endpoint.ts";
import type { KeepAlive } from "../../../lib/net/keep-alive.ts";
import type { Environment } from "../../../lib/net/listen.ts";
import type { Registry } from "../../../lib/service/metrics.ts";
import type { NameSettings } from "../dns-settings.ts";
import type { NameAnswer } from "./answerer.ts";
import { StubCounts } from "./counts.ts";
import { AddressPool, type FakeAddresses } from "./fake-addresses.ts";
import type { UpstreamTools } from "./forwarder.ts";
import { FORGETFUL, openNameRecords } from "./name-records.ts";
import { openStub, type Stub } from "./stub.ts";

export interface NamesOptions {
  settings: NameSettings;
  /** Addresses, each for UDP and TCP. */
  listen: readonly Endpoint[];
  /** Is told of each answer to a name that matches. */
  audit?: ((answer: NameAnswer) => void) | undefined;
  /** How resolvers are reached, where not straight: by connections of another kind, or by sockets with a mark. */
  tools?: Partial<UpstreamTools>;
  keepAlive: KeepAlive;
  env: Environment;
  log: Logger;
}

export interface Names {
  readonly addresses: readonly SocketAddress[];
  readonly fake: FakeAddresses;
  /** Clients that wait, and connections. */
  readonly open: number;
  register(registry: Registry): void;
  /** Takes nothing more by TCP; resolves when those that wait have been answered. */
  drain(): Promise<void>;
  /** Answers nothing more. Addresses keep their names. */
  cut(): void;
  /** The end of all: names are kept in the order of their use. */
  close(): void;
}

/** Opens everything or nothing. Throws `PortailError` (`listen.*`, `tproxy.dns_*`, `tproxy.state_*`). */
export async function openNames({ settings, listen, audit, tools, keepAlive, env, log }: NamesOptions): Promise<Names> {
  const { state, ranges, fixed, rest, timeout } = settings;
  const counts = new StubCounts();
  const records = state === undefined ? FORGETFUL : openNameRecords(state, ranges, log);
  const fake = new AddressPool({ ranges, fixed, records, rest });
  const dialer = new Dialer(timeout, keepAlive);
  const dial: UpstreamTools["dial"] = (candidate) => dialer.open([candidate]);
  let stub: Stub;
  try {
    stub = await openStub({ ...settings, listen, fake, tools: { dial, ...tools }, counts, audit, keepAlive, env, log });
  } catch (error) {
    fake.close();
    throw error;
  }
  if (state === undefined) log.warn("without --state a restart may give addresses to other names");
  return {
    addresses: stub.addresses,
    fake,
    get open() {
      return stub.open;
    },
    register: (registry) => counts.register(registry, fake),
    drain: () => stub.drain(),
    cut: () => stub.close(),
    close() {
      stub.close();
      fake.close();
    },
  };
}
