/** Audit events as journald has them: every kind of value, and an entry that no datagram holds. */
import { afterAll, expect, test } from "bun:test";
import type { AuditEvent } from "../../../../lib/audit/event.ts";
import { parsePlace } from "../../../../lib/audit/settings.ts";
import { openAuditSink } from "../../../../lib/audit/sink.ts";
import { Journald, JOURNALD_NEEDS } from "../../../support/journald.ts";
import { needing } from "../../../support/needs.ts";
import { Scene } from "../../../support/scene.ts";
import { until } from "../../../support/until.ts";

needing("journald reads audit events", JOURNALD_NEEDS, () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("in small entries and in large ones, which come as sealed files", async () => {
    const journald = await Journald.open(scene);
    const destination = `journald:${journald.socket}`;
    const settings = { destination, place: parsePlace(destination), full: undefined };
    const sink = await openAuditSink(settings, { error() {}, info() {} });
    const base = { v: 1, time: "2026-01-01T00:00:00.000Z", command: "socks" } as const;
    const reject = { ...base, event: "reject", session: "1", client: "192.0.2.1:1" } as const;
    const events: AuditEvent[] = [
      { ...reject, reason: "lines", message: "two\nlines, é" },
      { ...reject, reason: "large", message: "x\n".repeat(500_000) },
      { ...base, event: "start", listen: ["127.0.0.1:1", "unix:/a"] },
    ];
    for (const event of events) sink.write(event);
    await sink.close();
    expect(sink.lost).toBe(0);
    const shown = await until("all entries", async () => {
      const text = await journald.show("json", "SYSLOG_IDENTIFIER=portail");
      const entries = text.split("\n").slice(0, -1);
      return entries.length === events.length && entries;
    });
    const entries = shown.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ MESSAGE }) => JSON.parse(MESSAGE as string) as unknown)).toEqual(events);
    expect(entries[0]).toMatchObject({ PRIORITY: "5", SYSLOG_FACILITY: "13", PORTAIL_MESSAGE: "two\nlines, é" });
    expect(entries[1]!["PORTAIL_MESSAGE"]).toHaveLength(1_000_000);
    expect(entries[2]).toMatchObject({ PRIORITY: "6", PORTAIL_V: "1", PORTAIL_LISTEN: ["127.0.0.1:1", "unix:/a"] });
  });
});
