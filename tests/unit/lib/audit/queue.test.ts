/** What is held, what is lost, and what is said of it, with a place that does as it is told. */
import { beforeEach, expect, test } from "bun:test";
import type { AuditEvent } from "../../../../lib/audit/event.ts";
import { QueuedSink, type Entry, type Outlet, type Put } from "../../../../lib/audit/queue.ts";
import type { FullPolicy } from "../../../../lib/audit/settings.ts";
import { gated, heldConnections } from "../../../../lib/net/gate.ts";
import { until } from "../net/support.ts";

let errors: string[] = [];
let infos: string[] = [];
beforeEach(() => {
  errors = [];
  infos = [];
});

class Place implements Outlet {
  answer: (entries: readonly Entry[]) => Put = (entries) => ({ taken: entries.length });
  readonly taken: Entry[] = [];
  encode(event: AuditEvent): Entry {
    return event.event === "reject" ? event.message : `${event.event} ${"lost" in event ? event.lost : ""}`;
  }
  async put(entries: readonly Entry[]): Promise<Put> {
    const put = this.answer(entries);
    this.taken.push(...entries.slice(0, put.taken));
    return put;
  }
  reopen(): void {}
  close(): void {}
}

function make(full: FullPolicy, grace = 0): { place: Place; sink: QueuedSink } {
  const log = {
    error: (text: unknown) => void errors.push(String(text)),
    info: (text: unknown) => void infos.push(String(text)),
  };
  const place = new Place();
  return { place, sink: new QueuedSink(place, { destination: "there", full, log, grace, every: 20 }) };
}

function event(message: string): AuditEvent {
  const base = { v: 1, time: "2026-01-01T00:00:00.000Z", command: "socks" } as const;
  return { ...base, event: "reject", session: "1", client: "192.0.2.1:1", reason: "test", message };
}

const failing = (): Put => ({ taken: 0, error: "ENOSPC" });

/** Tries to come in; the connection knows no more than the gate asks. */
function client(): { entered: boolean } {
  const seen = { entered: false };
  gated(() => void (seen.entered = true))({ closed: false, pause() {}, resume() {}, destroy() {} } as never);
  return seen;
}

test("block: what fails is tried until it is taken, once, in order; clients wait meanwhile", async () => {
  const { place, sink } = make("block");
  place.answer = () => (place.taken.length === 1 ? failing() : { taken: 1, slow: true });
  for (const name of ["a", "b", "c"]) sink.write(event(name));
  await until(() => sink.failing === "ENOSPC");
  sink.write(event("d"));
  const waits = client();
  expect([waits.entered, heldConnections(), sink.waiting, sink.lost]).toEqual([false, 1, 3, 0]);
  place.answer = (entries) => ({ taken: entries.length });
  await until(() => place.taken.length === 4);
  await sink.close();
  expect(place.taken).toEqual(["a", "b", "c", "d"]);
  expect([waits.entered, client().entered, heldConnections(), sink.lost]).toEqual([true, true, 0, 0]);
  expect(infos).toEqual(["the audit is written again: there"]);
});

test("block: a trouble that goes on is said again and again, with what waits", async () => {
  const { place, sink } = make("block");
  place.answer = failing;
  sink.write(event("a"));
  await until(() => errors.length >= 3);
  expect(new Set(errors)).toEqual(new Set(["the audit waits, and so do new clients: cannot write to there: ENOSPC"]));
  await sink.close();
  expect([sink.lost, errors.at(-1)]).toEqual([1, "audit lines are lost: cannot write to there: ENOSPC"]);
  expect(client().entered).toBe(true);
});

test("block: a slow place lets clients wait when too much is held, and memory is bounded", async () => {
  const { place, sink } = make("block");
  place.answer = () => ({ taken: 0, slow: true });
  const megabyte = "x".repeat(1024 * 1024);
  for (let i = 0; i < 4; i++) sink.write(event(megabyte));
  expect(client().entered).toBe(true);
  for (let i = 0; i < 16; i++) sink.write(event(megabyte));
  const waits = client();
  expect([waits.entered, sink.waiting, sink.lost]).toEqual([false, 16, 4]);
  place.answer = (entries) => ({ taken: entries.length });
  await until(() => waits.entered);
  sink.write(event("after"));
  await sink.close();
  expect(place.taken).toContain("loss 4");
  expect([place.taken.length, place.taken.at(-1)]).toEqual([18, "after"]);
});

test("drop: losses are counted, said at once and again, and told by a line; no client waits", async () => {
  const { place, sink } = make("drop");
  place.answer = failing;
  sink.write(event("a"));
  sink.write(event("b"));
  await until(() => sink.lost === 2);
  expect(client().entered).toBe(true);
  sink.write(event("c"));
  await until(() => sink.lost === 3);
  await until(() => errors.length === 3);
  place.answer = (entries) => ({ taken: entries.length });
  sink.write(event("d"));
  await sink.close();
  expect(place.taken).toEqual(["loss 3", "d"]);
});

test("drop: a daemon that is started anew in time loses nothing", async () => {
  const { place, sink } = make("drop", 60_000);
  place.answer = failing;
  sink.write(event("a"));
  await until(() => sink.failing !== undefined);
  place.answer = (entries) => ({ taken: entries.length });
  await until(() => place.taken.length === 1);
  await sink.close();
  expect([place.taken, sink.lost, errors]).toEqual([["a"], 0, []]);
});

test("what no place takes is lost alone", async () => {
  const { place, sink } = make("block");
  place.answer = (entries) => {
    const at = entries.indexOf("too long");
    return at < 0 ? { taken: entries.length } : { taken: at, never: "EMSGSIZE" };
  };
  for (const name of ["a", "too long", "b"]) sink.write(event(name));
  await until(() => place.taken.length === 2);
  sink.write(event("c"));
  await sink.close();
  expect(place.taken).toEqual(["a", "b", "loss 1", "c"]);
  expect(errors).toEqual(["audit lines are lost: cannot write to there: EMSGSIZE"]);
});
