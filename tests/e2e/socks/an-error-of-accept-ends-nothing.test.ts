/** The system refuses to accept a client, as strace has it do: whoever comes is served once it does not any more. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb } from "../../support/web.ts";

/** accept(2): some are of the network, some of memory and descriptors, some of a firewall. */
const ERRORS = ["ENOBUFS", "ENOMEM", "EPERM", "EPROTO", "EMFILE", "ECONNABORTED", "ENETDOWN", "EHOSTUNREACH"];

scenario(import.meta.file, ["curl", "strace"], ({ scene, portail }) => {
  test.each(ERRORS)("weakness 6.2.11: %s", async (error) => {
    const web = openWeb(scene);
    const trace = scene.path(`calls-${error}`);
    const calls = async () => (await Bun.file(trace).text()).split("\n").filter((line) => line.includes("accept4("));
    const inject = ["-e", "trace=accept4", "-e", `inject=accept4:error=${error}:when=1..5`];
    const acl = scene.write("local.acl", allowLocal(web.port));
    const strace = ["strace", "-D", "-f", "-qq", ...inject, "-o", trace];
    const daemon = portail.start(["socks", "--listen", "127.0.0.1:0", "--acl", acl], {}, strace);
    const [, port] = await daemon.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    for (const scheme of ["socks5h", "http"]) {
      const outcome = await curl(["--proxy", `${scheme}://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/hello`]);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
    }
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
    const refused = await until("the trace", async () => {
      const lines = (await calls()).filter((line) => line.includes("(INJECTED)"));
      return lines.length > 0 && lines;
    });
    expect(refused.every((line) => line.includes(` = -1 ${error} `))).toBe(true);
    expect((await calls()).filter((line) => / = \d+$/.test(line)).length).toBeGreaterThanOrEqual(2);
  });
});
