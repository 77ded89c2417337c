/** Lines to syslog, as rsyslog reads them, and what becomes of them while nobody does. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, unlinkSync } from "node:fs";
import { openSyslog, type Syslog } from "../../../../lib/service/syslog.ts";
import { Receiver, socketPath } from "../../../support/datagrams.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { PATH, start } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";
import { until } from "../../../support/until.ts";

const scene = new Scene();
afterAll(() => scene.close());

function opened(path: string): Syslog {
  const syslog = openSyslog(path);
  scene.defer(() => syslog.close());
  return syslog;
}

const HEAD = `[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d portail\\[${process.pid}\\]: `;
const message = (priority: number, text: string) => expect.stringMatching(new RegExp(`^<${priority}>${HEAD}${text}$`));

test("nobody there: the start fails, status 69", () => {
  expect(() => openSyslog(scene.path("nobody"))).toThrow(
    expect.objectContaining({ code: "syslog.unavailable", exit: 69, hint: expect.stringContaining("--syslog") }),
  );
  expect(() => openSyslog(scene.folder)).toThrow("nobody listens there");
});

const absent = missing(["python3"]);
if (absent.length > 0) leaveOut("lines reach a syslog socket", absent);
else {
  describe("a socket", () => {
    test("of datagrams gets a message for each line, with facility daemon and the level", async () => {
      const path = socketPath(scene, "datagrams");
      const daemon = await Receiver.open(scene, "datagram", path);
      const syslog = opened(path);
      syslog.write("error", "one");
      syslog.write("warn", "two\n\nthree");
      syslog.write("info", "fóur");
      syslog.write("debug", "last");
      await daemon.message(/last/);
      expect(daemon.received.map(({ text }) => text)).toEqual([
        message(27, "one"),
        message(28, "two"),
        message(28, "three"),
        message(30, "fóur"),
        message(31, "last"),
      ]);
    });

    test("of a stream gets the same, each ended by a zero", async () => {
      const path = socketPath(scene, "stream");
      const daemon = await Receiver.open(scene, "stream", path);
      const syslog = opened(path);
      syslog.write("info", "one");
      syslog.write("info", "two");
      const all = () => daemon.received.map(({ text }) => text).join("");
      await until("both", () => all().includes("two\0"));
      expect(all().split("\0")).toEqual([message(30, "one"), message(30, "two"), ""]);
    });

    test("a long line is cut at the end of a character", async () => {
      const path = socketPath(scene, "long");
      const daemon = await Receiver.open(scene, "datagram", path);
      opened(path).write("info", "€".repeat(10_000));
      const { text } = await daemon.message(/€/);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8192);
      expect(Buffer.byteLength(text)).toBeGreaterThan(8180);
      expect(text).toMatch(/: €+$/);
    });
  });

  describe.each(["datagram", "stream"] as const)("a daemon that takes %ss", (kind) => {
    test("and is slow gets all lines, whole and in order", async () => {
      const path = socketPath(scene, `slow-${kind}`);
      const daemon = await Receiver.open(scene, kind, path, true);
      const syslog = opened(path);
      const filler = "x".repeat(500);
      for (let i = 0; i < 2000; i++) syslog.write("info", `${filler} ${i}`);
      await daemon.release();
      const text = () => daemon.received.map(({ text }) => text).join("\0");
      await until("the last line", () => text().includes(` 1999`));
      const numbers = Array.from(text().matchAll(/ (\d+)(?=\0|$)/g), ([, number]) => Number(number));
      expect(numbers).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    });

    test("and is started anew gets what came meanwhile", async () => {
      const path = socketPath(scene, `again-${kind}`);
      const first = await Receiver.open(scene, kind, path);
      const syslog = opened(path);
      syslog.write("info", "before");
      await first.message(/before/);
      await first.close();
      unlinkSync(path);
      for (let i = 0; i < 5; i++) {
        syslog.write("info", `meanwhile ${i}`);
        await Bun.sleep(5);
      }
      const second = await Receiver.open(scene, kind, path);
      syslog.write("info", "after");
      await second.message(/after/);
      expect(second.received.map(({ text }) => text).join("")).toMatch(/meanwhile 1[^]*meanwhile 4[^]*after/);
    });
  });

  test("what is lost is counted, and told when there is room again", async () => {
    const path = socketPath(scene, "flood");
    const daemon = await Receiver.open(scene, "datagram", path, true);
    const syslog = opened(path);
    for (let i = 0; i < 10_000; i++) syslog.write("info", `line ${i}`);
    await daemon.release();
    const { text } = await daemon.message(/log lines were lost/);
    const lost = Number(/: (\d+) log lines/.exec(text)![1]);
    expect(lost + daemon.received.length - 1).toBe(10_000);
  });
}

const without = missing(["rsyslogd"]);
if (without.length > 0) leaveOut("rsyslog reads our lines", without);
else {
  test("rsyslog reads program, process, facility, severity and text", async () => {
    const [path, out] = [socketPath(scene, "rsyslog.sock"), scene.path("rsyslog.out")];
    const template = `%programname%|%procid%|%syslogfacility-text%|%syslogseverity-text%|%msg%\\n`;
    const config = scene.write(
      "rsyslog.conf",
      `module(load="imuxsock" SysSock.Use="off")
       input(type="imuxsock" Socket="${path}")
       template(name="t" type="string" string="${template}")
       action(type="omfile" file="${out}" template="t")\n`,
    );
    const rsyslogd = Bun.which("rsyslogd", { PATH })!;
    start(scene, [rsyslogd, "-n", "-f", config, "-i", scene.path("rsyslog.pid")]);
    await until("rsyslog to listen", () => existsSync(path));
    const syslog = opened(path);
    syslog.write("warn", "the shutdown timeout is over cut=4");
    syslog.write("error", '{"level":"error","message":"x"}');
    const read = () => (existsSync(out) ? readFileSync(out, "utf8") : "");
    await until("both lines", () => read().includes('"x"}'));
    expect(read().trimEnd().split("\n")).toEqual([
      `portail|${process.pid}|daemon|warning| the shutdown timeout is over cut=4`,
      `portail|${process.pid}|daemon|err| {"level":"error","message":"x"}`,
    ]);
  });
}
