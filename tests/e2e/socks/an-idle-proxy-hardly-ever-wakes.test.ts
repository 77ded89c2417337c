/** An idle daemon's event loop, as strace sees it: with a status listener, and with tunnels in which nothing moves. */
import { expect, test } from "bun:test";
import { openEchoOnce } from "../../support/once.ts";
import { allowLocal } from "../../support/access-proxy.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const SECONDS = 8;
const TUNNELS = 20;
/** Looks until it is quiet. */
const MOST_WINDOWS = 8;

scenario(
  import.meta.file,
  ["strace"],
  ({ scene, portail }) => {
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

    // With open sockets the runtime looks after them every four seconds besides.
    for (const [tunnels, bound] of [
      [0, SECONDS + 2],
      [TUNNELS, SECONDS + SECONDS / 4 + 2],
    ] as const) {
      test(`about once a second at most, with ${tunnels} open tunnels`, async () => {
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
        // The runtime collects garbage for half a minute after the last work; what comes then is the quiet.
        let fewest = Number.POSITIVE_INFINITY;
        for (let i = 0; i < MOST_WINDOWS && fewest > bound; i++) {
          fewest = Math.min(fewest, await wakes(proxy.program.pid));
        }
        expect(fewest).toBeLessThanOrEqual(bound);
      }, 120_000);
    }
  },
  ["binary"],
);
