/** `--audit journald:` and `--audit syslog:`: what real daemons of these kinds have in the end. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { AuditEvent } from "../../../lib/audit/event.ts";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { Journald, JOURNALD_NEEDS } from "../../support/journald.ts";
import { Rsyslog } from "../../support/rsyslog.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "rsyslogd", ...JOURNALD_NEEDS], ({ scene, portail }) => {
  let web: Web;
  beforeAll(() => {
    web = openWeb(scene);
  });

  const get = (proxy: AccessProxy, port = web.port) =>
    curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${port}/hello`]);
  const allowAndDeny = async (proxy: AccessProxy) => {
    expect((await get(proxy)).status).toBe(0);
    expect((await get(proxy, 9)).status).not.toBe(0);
  };
  const begin = (audit: string) => portail.socks({ policy: allowLocal(web.port), audit });

  describe("journald", () => {
    let journald: Journald;
    beforeAll(async () => {
      journald = await Journald.open(scene);
    });

    test("has the line, its fields, and what journalctl filters by", async () => {
      const proxy = await begin(`journald:${journald.socket}`);
      await allowAndDeny(proxy);
      expect(await proxy.stop()).toBe(0);
      const shown = await until("the last event", async () => {
        const text = await journald.show("cat", "SYSLOG_IDENTIFIER=portail");
        return text.includes('"event":"stop"') && text;
      });
      expect(auditLines(shown).map(({ event }) => event)).toEqual(expect.arrayContaining(["start", "close", "drain"]));
      const denied = await journald.show("json", "PORTAIL_EVENT=decision", "PORTAIL_DECISION=deny", "PRIORITY=5");
      const [entry, ...others] = denied
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, string>);
      expect(others).toEqual([]);
      expect(entry).toMatchObject({
        SYSLOG_IDENTIFIER: "portail",
        PORTAIL_COMMAND: "socks",
        PORTAIL_TARGET: "127.0.0.1:9",
        _PID: String(proxy.program.pid),
      });
      expect(JSON.parse(entry!["MESSAGE"]!)).toMatchObject({ event: "decision", target: "127.0.0.1:9" });
    });
  });

  describe("rsyslog", () => {
    let rsyslog: Rsyslog;
    beforeAll(async () => {
      rsyslog = new Rsyslog(scene);
      await rsyslog.start();
    });

    const ways = { udp: () => `udp://127.0.0.1:${rsyslog.port}`, tcp: () => `tcp://127.0.0.1:${rsyslog.port}` };
    const places = { ...ways, unix: () => `unix:${rsyslog.socket}` };

    test.each(["udp", "tcp", "unix"] as const)("reads each part of a message that came by %s", async (way) => {
      const proxy = await begin(`syslog:${places[way]()}`);
      await allowAndDeny(proxy);
      expect(await proxy.stop()).toBe(0);
      const procid = String(proxy.program.pid);
      const records = await until("the last event", () => {
        const all = rsyslog.records.filter((record) => record.procid === procid);
        return all.some(({ msgid }) => msgid === "stop") && all;
      });
      for (const record of records) {
        expect(record).toMatchObject({ "app-name": "portail", syslogfacility: "13" });
        expect((JSON.parse(record.msg) as AuditEvent).event).toBe(record.msgid as AuditEvent["event"]);
      }
      const decisions = records.filter(({ msgid }) => msgid === "decision");
      const said = decisions.map(({ msg, syslogseverity }) => {
        const { decision } = JSON.parse(msg) as { decision: string };
        return [decision, syslogseverity];
      });
      expect(said).toEqual([
        ["allow", "6"],
        ["deny", "5"],
      ]);
    });
  });
});
