/** `mux connect`, `forward` and `exec` through the proxies that people run, told by --proxy or by the environment. */
import { beforeAll, describe, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { listening } from "../../support/listening.ts";
import { OUTBOUND_PROXIES, type OutboundProxy } from "../../support/outbound-proxies.ts";
import { OwnNetwork } from "../../support/own-network.ts";
import { install } from "../../support/peer-programs.ts";
import { authority, save } from "../../support/pki.ts";
import { run, start, type Program } from "../../support/program.ts";
import { RoutedWebs } from "../../support/routed-webs.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const NEEDS = ["curl", "danted", "ip", "microsocks", "nginx", "nsenter", "openssl", "squid", "tinyproxy", "unshare"];
const NAME = "web.example";
const ANSWER = `passed HTTP/1.1 ${NAME}\n`;
/** Beyond loopback, which no environment leads through a proxy. */
const FAR = "192.0.2.7";

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const own = save(scene, "own", ca.issue({ san: [`DNS:${NAME}`] }));
    const way = ["--server-name", NAME, "--alpn", "http/1.1", "--cacert", cacert];

    describe("--proxy", () => {
      const webs = new RoutedWebs(scene, { ...own, cacert });
      const server = `127.0.0.1:${webs.tlsPort}`;
      beforeAll(() => webs.begin());

      const openProxy = async (name: keyof typeof OUTBOUND_PROXIES) => {
        const port = freePort();
        const { scheme, user, program }: OutboundProxy = OUTBOUND_PROXIES[name];
        const running = start(scene, install(scene, program(port, scene.folder)));
        await listening(port, name);
        const at = `127.0.0.1:${port}`;
        return { running, url: `${scheme}://${user === undefined ? "" : `${user}@`}${at}`, bare: `${scheme}://${at}` };
      };

      test.each(["tinyproxy with a user", "squid", "microsocks with a user", "dante"] as const)("%s", async (name) => {
        const { running, url } = await openProxy(name);
        const through = [server, ...way, "--proxy", url];

        const connect = start(scene, [...portail.command, "mux", "connect", ...through], { feed: true });
        await connect.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\nConnection: close\r\n\r\n`);
        await connect.output("stdout", new RegExp(ANSWER));
        // Some proxies end both directions when one ends.
        await connect.endInput();
        expect([await connect.ended, connect.stderr]).toEqual([0, ""]);

        const exec = ["mux", "exec", ...through, "--", "curl", "-qsS", "--noproxy", "*", "http://{host}:{port}/"];
        expect(await run([...portail.command, ...exec])).toEqual({ status: 0, stdout: ANSWER, stderr: "" });

        const socket = scene.path(`${name.split(" ")[0]}.sock`);
        const forward = portail.start(["mux", "forward", ...through, "--listen", `unix:${socket}`]);
        await forward.output("stderr", /listening on .* through /);
        const ask = () => curl(["--unix-socket", socket, "http://local/"]);
        expect(await ask()).toEqual({ status: 0, stdout: ANSWER, stderr: "" });
        // Without it there is no way: it was through this one that they came.
        running.signal("SIGTERM");
        await running.ended;
        expect((await ask()).status).not.toBe(0);
        await forward.output("stderr", /reason=dial_refused/);
        expect(forward.stderr).not.toMatch(/secret|p@ss|p%40ss/);
        forward.signal("SIGTERM");
        expect(await forward.ended).toBe(0);
      });

      test.each([
        ["tinyproxy with a user", "proxy_credentials"],
        ["microsocks with a user", "proxy_credentials"],
      ] as const)("%s that is not told of the user: %s", async (name, reason) => {
        const { bare } = await openProxy(name);
        const outcome = await portail.run(["mux", "connect", server, ...way, "--proxy", bare]);
        expect(outcome).toMatchObject({ status: 69, stdout: "" });
        expect(outcome.stderr).toContain(`[mux.${reason}]`);
      });

      test.each(["squid", "dante"] as const)("%s that lets nobody there", async (name) => {
        const { url } = await openProxy(name);
        const outcome = await portail.run(["mux", "connect", "127.0.0.1:1", ...way, "--proxy", url]);
        expect(outcome).toMatchObject({ status: 69, stdout: "" });
        expect(outcome.stderr).toContain("[mux.proxy_denied]");
      });
    });

    describe("the environment", () => {
      let net: OwnNetwork;
      let proxy: Program;
      const PORT = 3128;

      beforeAll(async () => {
        net = await OwnNetwork.open(scene);
        await net.run(["ip", "address", "add", `${FAR}/32`, "dev", "lo"]);
        const serve = ["openssl", "s_server", "-accept", `${FAR}:443`, "-cert", own.cert, "-key", own.key, "-rev"];
        await net.start(scene, [...serve, "-alpn", "http/1.1"]).output("stdout", /ACCEPT/);
        const { program } = OUTBOUND_PROXIES["tinyproxy with a user"];
        proxy = net.start(scene, install(scene, program(PORT, scene.folder)));
        const probe = ["curl", "-qs", "-o", "/dev/null", `http://127.0.0.1:${PORT}/`];
        await until("the proxy", async () => (await net.run(probe)).status === 0);
      });

      const connect = async (env: Record<string, string>, ...args: string[]) => {
        const command = [...portail.command, "mux", "connect", `${FAR}:443`, ...way, ...args];
        const program = net.start(scene, command, { env, feed: true });
        await program.write("hello\n");
        await Promise.race([program.output("stdout", /olleh/).catch(() => {}), program.ended]);
        await program.endInput();
        await program.ended;
        return program.stdout === "olleh\n" ? "there" : (/\[mux\.(.*)\]/.exec(program.stderr)?.[1] ?? program.stderr);
      };
      const [user, stranger] = [`ann:secret@127.0.0.1:${PORT}`, `127.0.0.1:${PORT}`];

      test.each([
        [{ https_proxy: `http://${user}` }, [], "there"],
        [{ HTTPS_PROXY: `http://${stranger}` }, [], "proxy_credentials"],
        [{ all_proxy: stranger }, [], "proxy_credentials"],
        [{ https_proxy: user, ALL_PROXY: stranger }, [], "there"],
        [{ https_proxy: stranger }, ["--proxy", `http://${user}`], "there"],
        [{ https_proxy: stranger }, ["--proxy", "none"], "there"],
        [{ https_proxy: stranger, no_proxy: "example, 192.0.2.0/24" }, [], "there"],
        [{ https_proxy: stranger, NO_PROXY: "192.0.2.8" }, [], "proxy_credentials"],
        [{ http_proxy: stranger }, [], "there"],
      ])("%j %j: %s", async (env, args, end) => expect(await connect(env, ...args)).toBe(end));

      test("one that is gone is not gone past, but for this machine itself", async () => {
        await proxy.kill();
        const env = { https_proxy: `http://${stranger}` };
        expect(await connect(env)).toBe("dial_refused");
        const command = [...portail.command, "mux", "connect", "127.0.0.1:444", ...way];
        const local = ["openssl", "s_server", "-accept", "127.0.0.1:444", "-cert", own.cert, "-key", own.key, "-rev"];
        await net.start(scene, [...local, "-alpn", "http/1.1"]).output("stdout", /ACCEPT/);
        expect(await net.run(command, { env, stdin: "hello\n" })).toEqual({ status: 0, stdout: "olleh\n", stderr: "" });
      });
    });
  },
  ["binary"],
);
