/** How long a decision holds, who makes way, what is forgotten: by a clock that the test sets, with a target in its own process. */
import { afterEach, expect, test } from "bun:test";
import type { Association } from "../../../../commands/socks/association.ts";
import { Destinations } from "../../../../commands/socks/association-destinations.ts";
import { Associations } from "../../../../commands/socks/associations.ts";
import { Counts } from "../../../../commands/socks/counts.ts";
import { Wants } from "../../../../commands/socks/facts.ts";
import type { Asker } from "../../../../commands/socks/passage.ts";
import type { Proxy } from "../../../../commands/socks/proxy.ts";
import type { Facts } from "../../../../lib/acl/facts.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { ResolveError } from "../../../../lib/net/resolve.ts";
import { headerLength } from "../../../../lib/wire/socks5-udp.ts";
import { datagramHeader } from "../../../support/associated.ts";
import { udpEcho } from "../../../support/udp-echo.ts";
import { until } from "../../../support/until.ts";

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const ALLOW = 'policy p { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.0/8] action allow }';

/** `names` has what each name resolves to; one that it lacks does not exist. */
function open(names: Record<string, string[]> = {}) {
  const { policy } = loadPolicy("it.acl", () => ALLOW);
  let decided = 0;
  const decide = policy!.decide.bind(policy);
  policy!.decide = (...asked) => (decided++, decide(...asked));
  const asked: string[] = [];
  const resolve = (name: string) => {
    asked.push(name);
    return names[name] === undefined
      ? Promise.reject(new ResolveError("not_found", name))
      : Promise.resolve(names[name]);
  };
  const proxy = {
    policy,
    egress: { policy, resolve, guard: { own: [], resolvedBy: "us" } },
    wants: new Wants([]),
    counts: new Counts(true),
    recorded: false,
    known: (facts: Facts) => facts,
    datagramSockets: 0,
    hasRoom: () => true,
  };
  const events: string[] = [];
  const association = {
    drop: (reason: string) => events.push(reason),
    sentOut: () => events.push("sent"),
    answered: (_: Uint8Array, bytes: Buffer) => events.push(`answer ${bytes.toString()}`),
  };
  const all = new Associations(0);
  all.now = 1000;
  const asker = { conn: {}, session: "s", user: undefined, origin: undefined } as unknown as Asker;
  const destinations = new Destinations(proxy as unknown as Proxy, all, asker, association as unknown as Association);
  ends.push(() => destinations.close());
  const send = (host: string, port: number, data = "x") => {
    const bytes = Buffer.concat([datagramHeader(host, port), Buffer.from(data)]);
    const length = headerLength(bytes);
    destinations.send(bytes.toString("latin1", 3, length), bytes, length);
  };
  return { all, destinations, send, events, asked, proxy, decisions: () => decided };
}

test("a decision holds for thirty seconds, then it is made anew for the address that is known", async () => {
  const echo = await udpEcho({ defer: (end) => ends.push(end) });
  const { all, send, asked, decisions, events } = open({ "a.example": ["127.0.0.1"] });
  send("a.example", echo.port, "0");
  await until("the first answer", () => events.includes("answer 0"));
  for (const [later, times] of [
    [29_999, 1],
    [30_000, 2],
    [59_999, 2],
    [60_000, 3],
  ] as const) {
    all.now = 1000 + later;
    send("a.example", echo.port, String(later));
    await until("an answer", () => events.includes(`answer ${later}`));
    expect([later, decisions()]).toEqual([later, times]);
  }
  expect(asked).toEqual(["a.example"]);
});

test("an answer that comes after that time is decided as well", async () => {
  const echo = await udpEcho({ defer: (end) => ends.push(end) });
  const { all, send, decisions, events } = open();
  send("127.0.0.1", echo.port, "hello");
  await until("the first answer", () => events.includes("answer hello"));
  all.now += 30_000;
  const { port, address } = echo.sources[0]!;
  echo.socket.send("late", port, address);
  await until("the late answer", () => events.includes("answer late"));
  expect(decisions()).toBe(2);
});

test("a name that does not resolve is asked for again after five seconds", async () => {
  const { all, send, asked, events } = open();
  send("no.example", 53);
  await until("the failure", () => events.length === 1);
  send("no.example", 53);
  all.now += 4999;
  send("no.example", 53);
  expect([events, asked.length]).toEqual([["unresolved", "unresolved", "unresolved"], 1]);
  all.now += 1;
  send("no.example", 53);
  await until("the second failure", () => events.length === 4);
  expect(asked).toHaveLength(2);
});

test("what was idle longest makes way for what is new, and has to be decided again", () => {
  const { all, send, decisions } = open();
  const sweep = (first: number, last: number) => {
    for (let port = first; port <= last; port++) send("192.0.2.1", port);
  };
  sweep(1, 512);
  expect(decisions()).toBe(512);
  all.now += 10_000;
  sweep(2, 512);
  expect(decisions()).toBe(512);
  send("192.0.2.1", 513);
  sweep(2, 512);
  expect(decisions()).toBe(513);
  send("192.0.2.1", 1);
  expect(decisions()).toBe(514);
});

test("what was idle for too long is forgotten: it may not answer any more", async () => {
  const echo = await udpEcho({ defer: (end) => ends.push(end) });
  const { all, destinations, send, events, proxy } = open();
  send("127.0.0.1", echo.port, "hello");
  await until("the answer", () => events.includes("answer hello"));
  expect(proxy.datagramSockets).toBe(1);
  const { port, address } = echo.sources[0]!;
  destinations.sweep(all.now);
  echo.socket.send("in time", port, address);
  await until("the answer in time", () => events.includes("answer in time"));
  destinations.sweep(all.now + 1);
  echo.socket.send("too late", port, address);
  await until("its loss", () => events.includes("unsolicited"));
  expect(events).not.toContain("answer too late");
  destinations.close();
  expect(proxy.datagramSockets).toBe(0);
});

test("a decision counts once, by its reason and its policy, until it is another one", async () => {
  const { all, send, proxy, events } = open();
  send("127.0.0.1", 9);
  send("127.0.0.1", 9);
  send("192.0.2.1", 9);
  send("no.example", 9);
  await until("the failure", () => events.includes("unresolved"));
  all.now += 30_000;
  send("127.0.0.1", 9);
  send("192.0.2.1", 9);
  const { decisions, reasons, policies } = proxy.counts;
  expect(decisions).toMatchObject({ allow: 1, deny: 2 });
  expect(Object.fromEntries(reasons)).toEqual({ policy: 1, default: 1, unresolved: 1 });
  expect(Object.fromEntries(policies)).toEqual({ p: 1, default: 2 });
});
