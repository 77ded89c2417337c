/** A stub resolver in the test's own process, on a port of loopback, with names in memory. */
import { parseRanges } from "../../../commands/tproxy/names/address-range.ts";
import type { NameAnswer } from "../../../commands/tproxy/names/answerer.ts";
import { StubCounts } from "../../../commands/tproxy/names/counts.ts";
import { AddressPool } from "../../../commands/tproxy/names/fake-addresses.ts";
import { compileNames } from "../../../commands/tproxy/names/match.ts";
import { FORGETFUL } from "../../../commands/tproxy/names/name-records.ts";
import { openStub, type Stub, type StubOptions } from "../../../commands/tproxy/names/stub.ts";
import type { Logger } from "../../../lib/command/log.ts";
import { Dialer } from "../../../lib/net/dial.ts";
import { parseEndpoint } from "../../../lib/net/endpoint.ts";
import { KeepAlive } from "../../../lib/net/keep-alive.ts";

export interface RunningStub {
  stub: Stub;
  port: number;
  counts: StubCounts;
  pool: AddressPool;
  audited: NameAnswer[];
  logged: string[];
}

export type StubChanges = Partial<StubOptions> & { names?: string[]; ranges?: string[]; ports?: number[] };

/** `ports` are those of resolvers on 127.0.0.1. */
export async function runStub(changes: StubChanges = {}): Promise<RunningStub> {
  const { names = ["**.mapped.example"], ranges = ["198.18.0.0/15", "fd00::/64"], ports = [], ...options } = changes;
  const counts = new StubCounts();
  const pool = new AddressPool({ ranges: parseRanges(ranges, "--range"), records: FORGETFUL, rest: 1000 });
  const audited: NameAnswer[] = [];
  const logged: string[] = [];
  const keepAlive = new KeepAlive(0);
  const dialer = new Dialer(2000, keepAlive);
  const log = { error: (text: string) => void logged.push(text), warn() {}, info() {} } as unknown as Logger;
  const stub = await openStub({
    listen: [parseEndpoint("127.0.0.1:0", "--listen")],
    allowFrom: [],
    match: compileNames(names, "--match"),
    fake: pool,
    ttl: 30,
    resolvers: ports.map((port) => ({ ip: "127.0.0.1", port })),
    timeout: 150,
    mostWaiting: 1024,
    mostConnections: 16,
    idle: 5000,
    tools: { dial: (candidate) => dialer.open([candidate]) },
    counts,
    audit: (answer) => void audited.push({ ...answer, client: { ...answer.client } }),
    keepAlive,
    env: {},
    log,
    ...options,
  });
  return { stub, port: (stub.addresses[0] as { port: number }).port, counts, pool, audited, logged };
}
