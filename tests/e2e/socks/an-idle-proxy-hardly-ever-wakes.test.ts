/** An idle daemon's event loop, as strace sees it: with a status listener, and with tunnels in which nothing moves. */
import { expect, test } from "bun:test";
import { openEchoOnce } from "../../support/once.ts";
import { allowLocal } from "../../support/access-proxy.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const SECONDS = 8;
const TUNNELS = 20;

scenario(import.meta.file, ["strace"], ({ scene, portail }) => {
  /** Returns of the event loop's wait in `SECONDS`. */
  const wakes = async (pid: number) => {
    const log = scene.path(`strace-${pid}`);
    const calls = "trace=epoll_wait,epoll_pwait,epoll_pwait2";
    const strace = start(scene, ["strace", "-q", "-e", calls, "-o", log, "-p", String(pid)]);
    await Bun.sleep(SECONDS * 1000);
    strace.signal("SIGINT");
    await strace.ended;
    const lines = (await Bun.file(log).text()).split("\n").filter((line) => line.includes("epoll"));
    return lines.filter((line) => / = \d+/.test(line)).length;
  };

  for (const tunnels of [0, TUNNELS]) {
    test(`no more than once a second, with ${tunnels} open tunnels`, async () => {
      const port = openEchoOnce(scene);
      const proxy = await portail.socks({ policy: allowLocal(port), args: ["--status", "127.0.0.1:0"] });
      const answered: number[] = [];
      for (let i = 0; i < tunnels; i++) {
        const socket = await Bun.connect({
          hostname: "127.0.0.1",
          port: proxy.port,
          socket: { data: (_, chunk) => void (Buffer.from(chunk).includes("hello") && answered.push(i)) },
        });
        scene.defer(() => socket.terminate());
        socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: idle.example\r\n\r\n`);
      }
      await until("all tunnels", () => answered.length === tunnels);
      // One more for what the start left behind, and one for a second that was begun.
      expect(await wakes(proxy.program.pid)).toBeLessThanOrEqual(SECONDS + 2);
    });
  }
});
