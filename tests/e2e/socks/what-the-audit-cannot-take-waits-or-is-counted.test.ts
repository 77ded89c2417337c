/** `--audit-full`: a full disk and a dead syslog, with `block` and with `drop`. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { beforeAll, describe, expect, test } from "bun:test";
import { AccessProxy, allowLocal } from "../../support/access-proxy.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { start } from "../../support/program.ts";
import { OWN_SYSLOG_NEEDS } from "../../support/own-syslog.ts";
import { Rsyslog } from "../../support/rsyslog.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

/** A disk at $1 that has one page left, beside a file that can be removed. */
const SMALL_DISK = `
mount -t tmpfs -o size=64k none "$1"
head -c 61440 /dev/zero > "$1/filler"
shift
exec "$@"
`;
const STATUS = ["--status", "127.0.0.1:0"];

scenario(
  import.meta.file,
  ["curl", "rsyslogd", ...OWN_SYSLOG_NEEDS],
  ({ scene, portail }) => {
    let web: Web;
    beforeAll(() => {
      web = openWeb(scene);
    });

    const get = (proxy: AccessProxy) =>
      curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]).then(({ status }) => status);
    const held = (proxy: AccessProxy) =>
      until("a client that waits", async () => (await proxy.metric("held_connections")) === 1);
    const state = async (proxy: AccessProxy) => {
      const [, place] = await proxy.program.output("stderr", /status on (\S+)/);
      return (JSON.parse((await curl([`http://${place}/_status`])).stdout) as { audit: unknown }).audit;
    };

    describe("a full disk", () => {
      const onSmallDisk = async (name: string, ...full: string[]) => {
        const disk = scene.mkdir(name);
        const audit = `${disk}/audit.jsonl`;
        const begin = (args: string[]) => {
          const space = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", SMALL_DISK, "sh", disk];
          return start(scene, [...space, ...portail.command, ...args]);
        };
        const options = { policy: allowLocal(web.port), audit, args: [...STATUS, ...full] };
        const proxy = new AccessProxy(scene, begin, options);
        await proxy.listening();
        const inside = `/proc/${proxy.program.pid}/root${disk}`;
        return {
          proxy,
          free: () => rmSync(`${inside}/filler`),
          lines: () => readFileSync(`${inside}/audit.jsonl`, "utf8"),
        };
      };
      const fill = async (proxy: AccessProxy) => {
        let requests = 0;
        while (!proxy.program.stderr.includes("ENOSPC")) {
          expect(await get(proxy)).toBe(0);
          requests++;
        }
        return requests;
      };

      test("new clients wait until there is room, and no line is lost or torn", async () => {
        const { proxy, free, lines } = await onSmallDisk("block");
        const requests = await fill(proxy);
        expect(proxy.program.stderr).toContain("the audit waits, and so do new clients");
        const late = get(proxy);
        await held(proxy);
        expect(await proxy.metric("audit_failing")).toBe(1);
        expect(await state(proxy)).toMatchObject({ ok: false, error: "ENOSPC", lost: 0, held_connections: 1 });
        free();
        expect(await late).toBe(0);
        await proxy.program.output("stderr", /the audit is written again/);
        const closes = () => auditLines(lines()).filter(({ event }) => event === "close");
        await until("all records", () => closes().length === requests + 1);
        expect(await state(proxy)).toMatchObject({ ok: true, lost: 0, waiting: 0 });
        expect(await proxy.stop()).toBe(0);
      });

      test("with drop, clients are served, and the losses are in metrics, log and audit", async () => {
        const { proxy, free, lines } = await onSmallDisk("drop", "--audit-full", "drop");
        await fill(proxy);
        expect(await get(proxy)).toBe(0);
        expect(proxy.program.stderr).toMatch(/error audit lines are lost: cannot write to \S+: ENOSPC/);
        // Both records of that request, and nothing more is on its way.
        await until("an audit at rest", async () => (await proxy.metric("audit_waiting_lines")) === 0);
        free();
        expect(await get(proxy)).toBe(0);
        const loss = /"event":"loss","command":"socks","lost":(\d+)}/;
        const told = await until("the line of the losses", () => loss.exec(lines()) ?? false);
        const lost = await proxy.metric("audit_lost_lines_total");
        expect(lost).toBeGreaterThan(0);
        expect(Number(told[1])).toBe(lost);
        expect(await proxy.stop()).toBe(0);
      });
    });

    describe("a syslog that is dead", () => {
      let rsyslog: Rsyslog;
      beforeAll(async () => {
        rsyslog = new Rsyslog(scene);
        await rsyslog.start();
      });

      const begin = (...full: string[]) => {
        const audit = `syslog:tcp://127.0.0.1:${rsyslog.port}`;
        return portail.socks({ policy: allowLocal(web.port), audit, args: [...STATUS, ...full] });
      };
      const received = (proxy: AccessProxy, event: string) =>
        rsyslog.records.filter(({ procid, msgid }) => procid === String(proxy.program.pid) && msgid === event);

      test("with drop: clients are served, losses are counted and told", async () => {
        const proxy = await begin();
        await until("the first record", () => received(proxy, "start").length === 1);
        await rsyslog.kill();
        expect(await get(proxy)).toBe(0);
        await proxy.program.output("stderr", /audit lines are lost: cannot write to syslog:tcp/);
        const lost = await proxy.metric("audit_lost_lines_total");
        expect(lost).toBe(2);
        await rsyslog.start();
        expect(await get(proxy)).toBe(0);
        await until("the line of the losses", () => received(proxy, "loss").length === 1);
        expect(JSON.parse(received(proxy, "loss")[0]!.msg)).toMatchObject({ lost });
        expect(await proxy.stop()).toBe(0);
      });

      test("with block: new clients wait until it is back, and no record is lost", async () => {
        const proxy = await begin("--audit-full", "block");
        await until("the first record", () => received(proxy, "start").length === 1);
        await rsyslog.kill();
        expect(await get(proxy)).toBe(0);
        await proxy.program.output("stderr", /the audit waits, and so do new clients/);
        const late = get(proxy);
        await held(proxy);
        await rsyslog.start();
        expect(await late).toBe(0);
        await until("all records", () => received(proxy, "close").length === 2);
        expect(await proxy.metric("audit_lost_lines_total")).toBe(0);
        expect(await proxy.stop()).toBe(0);
        expect(existsSync(rsyslog.socket)).toBe(true);
      });
    });
  },
  ["source"],
);
