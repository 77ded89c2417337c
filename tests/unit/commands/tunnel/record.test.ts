/** The lines of the log in ghostunnel's words, what `--quiet` leaves of them, and the record. Which fields a record has is told by its type. */
import { describe, expect, test } from "bun:test";
import { recordClosed, recordOpened, recordRefused } from "../../../../commands/tunnel/record.ts";
import { Refusal } from "../../../../commands/tunnel/refusal.ts";
import type { Progress } from "../../../../commands/tunnel/session.ts";
import { parseQuiet } from "../../../../commands/tunnel/settings.ts";
import type { Tunnel } from "../../../../commands/tunnel/tunnel.ts";
import { TunnelMetrics } from "../../../../commands/tunnel/metrics.ts";
import type { SessionEvent } from "../../../../lib/audit/event.ts";
import type { SocketAddress } from "../../../../lib/net/conn.ts";
import type { RelayResult } from "../../../../lib/net/relay.ts";
import { peerWith } from "../../../support/peer.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";
import { FakeConn } from "../../lib/net/fake-conn.ts";

interface Told {
  quiet?: string[];
  cn?: string;
  client?: SocketAddress;
  target?: { kind: "tcp" | "unix"; text: string };
}

/** What one call leaves behind: lines of the log, and the record. */
function told(call: (tunnel: Tunnel, progress: Progress) => void, given: Told = {}) {
  const { quiet = [], cn, client = { ip: "192.0.2.9", port: 5 }, target = { kind: "tcp", text: "db:5432" } } = given;
  const runtime = fakeRuntime();
  const events: SessionEvent[] = [];
  const [front, back] = [new FakeConn(), new FakeConn()];
  [front.received, back.received] = [10, 2000];
  const peer = cn === undefined ? undefined : peerWith({ cn });
  const tunnel = {
    settings: { name: "db" },
    targets: { all: [{ text: target.text }] },
    quiet: parseQuiet(quiet),
    log: runtime.log,
    sink: { write: (event: SessionEvent) => events.push(event) },
    policy: undefined,
    counts: new TunnelMetrics().tunnel("db"),
  } as unknown as Tunnel;
  const address = { ip: "192.0.2.2", port: 5432 };
  const progress = {
    session: "s-1",
    started: performance.now(),
    client,
    decision: undefined,
    facts: {},
    front: { conn: front, peer },
    back: { conn: back, target: { text: target.text, endpoint: { kind: target.kind } }, address },
  } as unknown as Progress;
  call(tunnel, progress);
  const lines = runtime.stderr
    .text()
    .replaceAll(/open \d+ms/g, "open 0ms")
    .split("\n")
    .slice(0, -1);
  return { lines, event: events[0], events, counts: tunnel.counts };
}

const opened = (given?: Told) => told(recordOpened, given);
const closed = (result: RelayResult, given?: Told) =>
  told((tunnel, progress) => recordClosed(tunnel, progress, result), given);
const refused = (refusal: Refusal, given?: Told) =>
  told((tunnel, progress) => recordRefused(tunnel, progress, refusal), given);

const HANDSHAKE = new Refusal("handshake", "unknown_ca", "self-signed");
const DIAL = new Refusal("dial", "dial_refused", "ECONNREFUSED");
const BROKEN = Object.assign(new Error("EIO"), { code: "EIO" });

describe("lines of the log", () => {
  test("a pipe is opened and closed", () => {
    expect(opened({ cn: "alice" }).lines).toEqual([
      "info opening pipe: tcp:192.0.2.9:5 [CN=alice] <-> tcp:db:5432 session=s-1",
    ]);
    expect(closed({ by: "client" }, { cn: "alice" }).lines).toEqual([
      "info closed pipe: tcp:192.0.2.9:5 [CN=alice] <-> tcp:db:5432 [forwarded 10, returned 2000, open 0ms] session=s-1 by=client",
    ]);
  });

  test("a peer without a name has none, and UNIX sockets are told by their paths", () => {
    expect(opened().lines[0]).toContain("tcp:192.0.2.9:5 <-> tcp:db:5432");
    const unix = { client: { path: "/in" }, target: { kind: "unix", text: "unix:/out" } } as const;
    expect(opened(unix).lines[0]).toContain("opening pipe: unix:/in <-> unix:/out ");
    expect(opened({ client: { ip: "::1", port: 5 } }).lines[0]).toContain("tcp:[::1]:5 <->");
  });

  test("a name cannot forge a line or a field", () => {
    const { lines } = opened({ cn: 'x" by=nobody \u202e' });
    expect(lines).toEqual([
      'info opening pipe: tcp:192.0.2.9:5 [CN=x\\" by=nobody \\u202e] <-> tcp:db:5432 session=s-1',
    ]);
  });

  test("refusals, by their phase", () => {
    expect(refused(HANDSHAKE).lines).toEqual([
      "warn error on TLS handshake from tcp:192.0.2.9:5: self-signed reason=unknown_ca session=s-1",
    ]);
    expect(refused(DIAL).lines).toEqual([
      "warn error on dial: ECONNREFUSED reason=dial_refused session=s-1 client=tcp:192.0.2.9:5",
    ]);
  });

  test("an end out of order is told, a reset or a closed pipe is an end like others", () => {
    expect(closed({ by: "upstream", error: BROKEN }).lines[0]).toBe("warn error during copy: EIO session=s-1");
    for (const code of ["ECONNRESET", "EPIPE"])
      expect(closed({ by: "upstream", error: Object.assign(new Error(code), { code }) }).lines).toHaveLength(1);
  });
});

describe("--quiet leaves out", () => {
  const kinds = (quiet: string[]) => ({
    opened: opened({ quiet }).lines.length,
    closed: closed({ by: "client" }, { quiet }).lines.length,
    copy: closed({ by: "client", error: BROKEN }, { quiet }).lines.filter((line) => line.includes("during copy"))
      .length,
    dial: refused(DIAL, { quiet }).lines.length,
    handshake: refused(HANDSHAKE, { quiet }).lines.length,
  });
  const ALL = { opened: 1, closed: 1, copy: 1, dial: 1, handshake: 1 };

  test.each([
    [[], ALL],
    [["conns"], { ...ALL, opened: 0, closed: 0 }],
    [["conn-errs"], { ...ALL, copy: 0, dial: 0 }],
    [["handshake-errs"], { ...ALL, handshake: 0 }],
    [["conns", "handshake-errs"], { ...ALL, opened: 0, closed: 0, handshake: 0 }],
    [["all"], { opened: 0, closed: 0, copy: 0, dial: 0, handshake: 0 }],
  ])("%j", (quiet, expected) => expect(kinds(quiet)).toEqual(expected));

  test("nothing of the records", () => {
    for (const call of [() => closed({ by: "client" }, { quiet: ["all"] }), () => refused(DIAL, { quiet: ["all"] })])
      expect(call().events).toHaveLength(1);
  });
});

describe("records and counts", () => {
  const COMMON = {
    event: "session",
    command: "tunnel",
    session: "s-1",
    tunnel: "db",
    client: "192.0.2.9:5",
    target: "db:5432",
  };

  test("what was let through: who, where to, how much, and who ended it", () => {
    const { event } = closed({ by: "upstream" }, { cn: "alice" });
    expect(event).toMatchObject({
      ...COMMON,
      decision: "allow",
      reason: "upstream",
      sent: 10,
      received: 2000,
      policy: null,
    });
    expect(event).toMatchObject({
      dest: "192.0.2.2:5432",
      certificate: { subject: "CN=alice", notAfter: "2035-01-02T03:04:05.000Z" },
    });
    expect(event).not.toHaveProperty("error");
    expect(closed({ by: "client", error: BROKEN }).event).toMatchObject({ decision: "allow", error: "EIO" });
  });

  test("what was not: why, in a word and in words, and no bytes", () => {
    expect(refused(DIAL).event).toMatchObject({
      ...COMMON,
      decision: "deny",
      reason: "dial_refused",
      error: "ECONNREFUSED",
    });
    expect(refused(DIAL).event).toMatchObject({ sent: 0, received: 0 });
  });

  test("who was refused stands on its side", () => {
    const peer = peerWith({ cn: "mallory" });
    const by = (phase: "handshake" | "dial") => refused(new Refusal(phase, "wrong_pin", "", { peer })).event;
    expect(by("handshake")).toMatchObject({ certificate: { subject: "CN=mallory" } });
    expect(by("handshake")).not.toHaveProperty("upstream");
    expect(by("dial")).toMatchObject({ upstream: { subject: "CN=mallory" } });
  });

  test("handshakes count as failed or as late, dials as neither", () => {
    const counts = (refusal: Refusal) => [refused(refusal).counts.failed, refused(refusal).counts.late];
    expect(counts(HANDSHAKE)).toEqual([1, 0]);
    expect(counts(new Refusal("handshake", "handshake_timeout", ""))).toEqual([0, 1]);
    expect(counts(DIAL)).toEqual([0, 0]);
  });
});
