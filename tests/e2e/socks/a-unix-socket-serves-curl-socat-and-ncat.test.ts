/** `--listen unix:PATH`: curl's own way to it, socat and ncat in front of it, and what becomes of the path. */
import { existsSync, statSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "socat", "ncat"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  let path: string;
  const listen = () => portail.socks({ policy: allowLocal(web.port), listen: [`unix:${path}`] });
  beforeAll(async () => {
    web = openWeb(scene);
    path = scene.path("proxy.sock");
    proxy = await listen();
  });

  const request = () =>
    `CONNECT 127.0.0.1:${web.port} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /hello HTTP/1.0\r\nHost: web\r\n\r\n`;
  const answered = /^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.[01] 200 OK\r\n[^]*hello from the web\n$/;

  test("curl speaks SOCKS to it", async () => {
    proxy.forget();
    const outcome = await curl(["--proxy", `socks5h://localhost${path}`, `http://127.0.0.1:${web.port}/hello`]);
    expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
    const decision = await proxy.decision(`127.0.0.1:${web.port}`);
    expect(decision).toMatchObject({ client: expect.stringMatching(/^unix:/), decision: "allow" });
  });

  test("socat bridges to it, both ends of the stream ending in turn", async () => {
    const { status, stdout } = await run(["socat", "-t15", "-", `UNIX-CONNECT:${path}`], { stdin: request() });
    expect(status).toBe(0);
    expect(stdout).toMatch(answered);
  });

  test("ncat -U speaks to it", async () => {
    const { status, stdout } = await run(["ncat", "-U", path], { stdin: request() });
    expect(status).toBe(0);
    expect(stdout).toMatch(answered);
  });

  test("a port of socat before it is a port of the proxy", async () => {
    const bridge = start(scene, ["socat", "-d", "-d", "TCP4-LISTEN:0,bind=127.0.0.1,fork", `UNIX-CONNECT:${path}`]);
    const [, port] = await bridge.output("stderr", /listening on .*127\.0\.0\.1:(\d+)/);
    for (const way of ["socks4a", "socks5h", "http"]) {
      const outcome = await curl(["--proxy", `${way}://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/hello`]);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
    }
    bridge.signal("SIGTERM");
    await bridge.ended;
  });

  test("a second instance does not take a path that is served", async () => {
    const args = ["socks", "--listen", `unix:${path}`, "--acl", proxy.policyFile];
    const { status, stderr } = await portail.run(args);
    expect(status).toBe(71);
    expect(stderr).toContain("[listen.eaddrinuse]");
    const outcome = await curl(["--proxy", `socks5h://localhost${path}`, `http://127.0.0.1:${web.port}/hello`]);
    expect(outcome.status).toBe(0);
  });

  test("the path goes when the proxy stops, and one that a crash left is taken over", async () => {
    expect(await proxy.stop()).toBe(0);
    expect(existsSync(path)).toBe(false);
    const crashed = await listen();
    crashed.program.signal("SIGKILL");
    await crashed.program.ended;
    expect(statSync(path).isSocket()).toBe(true);
    proxy = await listen();
    const outcome = await curl(["--proxy", `socks5h://localhost${path}`, `http://127.0.0.1:${web.port}/hello`]);
    expect(outcome.status).toBe(0);
  });

  test("a file of another kind is left alone", async () => {
    const file = scene.write("not-a-socket", "precious");
    const args = ["socks", "--listen", `unix:${file}`, "--acl", proxy.policyFile];
    const { status } = await portail.run(args);
    expect(status).toBe(71);
    expect(await Bun.file(file).text()).toBe("precious");
  });
});
