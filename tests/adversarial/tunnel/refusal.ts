/** What refusals must look like from every side: peer's, target's, audit, log and descriptors; and that life goes on. */
import { expect } from "bun:test";
import type { SessionEvent } from "../../../lib/audit/event.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

/** What peers send: as many bytes are waited for. */
export const WORD = "let me through";

/** Resolves with what came back. */
export type Attempt = () => Promise<string>;

export interface Refusals {
  tunnel: RunningTunnel;
  /** Sockets of the tunnel when nobody is connected. */
  base: number;
  /** Connections and bytes that reached what is to be protected. */
  reached: () => Promise<[connections: number, bytes: number]> | [connections: number, bytes: number];
  /** All at the same time. */
  bad: readonly Attempt[];
  /** Afterwards, one after the other. */
  good: readonly Attempt[];
  /** Why the bad ones are refused. */
  reason: string;
  /** Further fields of their records. */
  record?: Record<string, unknown>;
  /** Connections that a bad one makes: the server that a client tunnel refuses has been connected to. */
  touches?: number;
}

/** Lets bad peers try, then good ones, and holds all that is to be seen against what must be. Returns the records. */
export async function expectRefusals(refusals: Refusals): Promise<SessionEvent[]> {
  const { tunnel, base, reached, bad, good, reason, record = {}, touches = 0 } = refusals;
  const [sessions, lines] = [tunnel.sessions().length, tunnel.log().length];
  const [connections, bytes] = await reached();
  const told = () => `; the log:\n${tunnel.program.stderr.split("\n").slice(lines).join("\n")}`;
  const recorded = (count: number) =>
    until(
      () => `${count} records${told()}`,
      () => tunnel.sessions().length >= sessions + count,
    );

  expect(await Promise.all(bad.map((attempt) => attempt()))).toEqual(bad.map(() => ""));
  await recorded(bad.length);
  expect(await reached()).toEqual([connections + touches * bad.length, bytes]);
  for (const [i, attempt] of good.entries()) {
    const word = await attempt();
    expect(word === WORD ? word : `${word}${told()}`).toBe(WORD);
    await recorded(bad.length + i + 1);
  }
  expect(await reached()).toEqual([
    connections + touches * bad.length + good.length,
    bytes + WORD.length * good.length,
  ]);

  const records = tunnel.sessions().slice(sessions);
  const denied = records.slice(0, bad.length);
  expect(records.map(({ decision }): string => decision)).toEqual([
    ...bad.map(() => "deny"),
    ...good.map(() => "allow"),
  ]);
  for (const line of denied) expect(line).toMatchObject({ reason, sent: 0, received: 0, ...record });
  const count = bad.length + 2 * good.length;
  await until(told, () => tunnel.log().length >= lines + count);
  await until(`${base} sockets again`, () => tunnel.sockets() === base);
  // One line for each refused one, and two for each other.
  const log = tunnel.log().slice(lines);
  expect(log.map(({ level, session, reason: why }) => [level, session, why])).toEqual([
    ...denied.map(({ session }) => ["warn", session, reason]),
    ...records.slice(bad.length).flatMap(({ session }) => [0, 1].map(() => ["info", session, undefined])),
  ]);
  expect(tunnel.program.running).toBe(true);
  return records;
}
