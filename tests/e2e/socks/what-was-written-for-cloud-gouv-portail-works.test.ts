/** `portail daemon`, `rpc` and `check-acl-syntax`: the command lines, sockets, configuration and policies of cloud-gouv/portail. */
import { beforeAll, describe, expect, test } from "bun:test";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { Receiver, socketPath } from "../../support/datagrams.ts";
import { PATH, start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { VarlinkLibrary } from "../../support/varlink-library.ts";
import { freePort } from "../../support/free-port.ts";
import { openWeb, type Web } from "../../support/web.ts";

/** With every key of the example that comes with it, as far as they are for what it decides and where it goes. */
const config = (policy: string) => `filter-acl-rules-path = "${policy}"
request-timeout = 5
tcp-nodelay = false
handshake-timeout = 15
max-connections = 100

[backends.par01a]
target-address = "127.0.0.2:8000"
identity-aware = true

[backends.par01b]
target-address = "127.0.0.2:8001"

[backends.moving]
dynamic = true

[escaper]
cacert-file = "./cacert.pem"
tls-privkey = "./client.key"
tls-certificate = "./client.pem"

[rpc]
admin-groups = ["root"]
trusted-groups = ["root"]
`;

/** Its grammar: no comments, braces and trailing commas at will, several attributes in a line. */
const policies = (port: number) => `policy loopback { when { (host == "127.0.0.1" or host == "localhost")
  and port == ${port} } require not proxy.protocol in ["gopher",] action allow }
policy bootstrap {
  when host in ["time.test", "vpn.test",]
  action { deny explain-template="templates/ask.html" }
}
`;

scenario(import.meta.file, ["curl", "go", "python3", "strace", "systemd-socket-activate"], ({ scene, portail }) => {
  let web: Web;
  let policy: string;
  let file: string;
  beforeAll(() => {
    web = openWeb(scene);
    policy = scene.write("filter.acl", policies(web.port));
    file = scene.write("portail.toml", config(policy));
  });
  const reach = (port: number) =>
    curl(["--proxy", `socks5h://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/hello`]);

  describe("with the sockets of its units, proxy and control", () => {
    let daemon: Program;
    let notify: Receiver;
    let port = 0;
    let control: string;
    beforeAll(async () => {
      port = freePort();
      control = scene.path("control");
      const NOTIFY_SOCKET = socketPath(scene, "notify");
      notify = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
      const sockets = ["--listen", `127.0.0.1:${port}`, "--listen", control, "--fdname=proxy:control"];
      const env = { PATH, HOME: "/nonexistent", NOTIFY_SOCKET };
      const given = Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`);
      const daemonLine = [...portail.command, "daemon", "-c", file, "--log-preset", "container"];
      daemon = start(scene, ["systemd-socket-activate", ...sockets, ...given, ...daemonLine]);
      await daemon.output("stderr", /Listening on .*control/);
    });

    test("both are served", async () => {
      expect(await reach(port)).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
      const library = await VarlinkLibrary.open(scene, control);
      expect(await library.call("fr.gouv.portail.Control.GetCurrentBackend")).toEqual({
        parameters: { backend_id: "<none>" },
      });
    }, 300_000);

    test("the policy denies what it denies, and the audit of the container preset says so", async () => {
      const { status } = await curl(["--proxy", `http://127.0.0.1:${port}`, "http://time.test/"]);
      expect(status).toBe(0);
      await daemon.output("stdout", /"decision":"deny","policy":"bootstrap"/);
      const allowed = auditLines(daemon.stdout).find(({ event }) => event === "decision");
      expect(allowed).toMatchObject({ decision: "allow", policy: "loopback", target: `127.0.0.1:${web.port}` });
    });

    test("weakness 6.1.12: the service manager is told at the socket that NOTIFY_SOCKET names", async () => {
      await notify.message(/^READY=1/);
      expect(notify.received[0]!.pid).toBe(daemon.pid);
    });

    test("what the file says and means nothing here is told, and nothing else", () => {
      const warnings = daemon.stderr.split("\n").filter((line) => line.includes('"level":"warn"'));
      const told = warnings.map((line) => (JSON.parse(line) as { message: string }).message);
      expect(told.map((line) => /"([^"]+)"/.exec(line)?.[1])).toEqual([
        "tcp-nodelay",
        "escaper.cacert-file",
        "escaper.tls-privkey",
        "escaper.tls-certificate",
        // Of its policy: there is no folder of templates.
        "templates/ask.html",
      ]);
    });

    describe("rpc", () => {
      const rpc = (...args: string[]) => portail.run(["rpc", "--rpc-socket", control, ...args]);

      test("tells the default backend", async () => {
        expect(await rpc("print-current-backend")).toMatchObject({ status: 0, stdout: "<none>\n" });
        expect(await rpc("--json", "print-current-backend")).toMatchObject({ stdout: '{"backend_id":"<none>"}\n' });
      });

      test("unsets it", async () => {
        expect(await rpc("unset-default-backend", "--json")).toMatchObject({ status: 0, stdout: '{"success":true}\n' });
        expect(await rpc("unset-default-backend")).toMatchObject({ status: 0, stdout: "" });
      });

      test("lists backends as an array", async () => {
        const { status, stdout } = await rpc("list-backends", "--json");
        expect(status).toBe(0);
        expect(JSON.parse(stdout)).toBeArray();
      });

      test("says what is not there", async () => {
        const { status, stderr } = await rpc("set-default-backend", "nowhere");
        expect(status).toBe(1);
        expect(stderr).toContain('there is no backend "nowhere"');
        const given = ["update-dynamic-backend", "nowhere", "--target-address", "192.0.2.1:1080"];
        expect((await rpc(...given)).status).toBe(1);
      });
    });

    test("it ends as it is told", async () => {
      daemon.signal("SIGTERM");
      expect(await daemon.ended).toBe(0);
      await notify.message(/^STOPPING=1/);
    });
  });

  test("with flags in the place of sockets, in a terminal's preset", async () => {
    const rpc = scene.path("rpc");
    const flags = ["--bind-proxy-address", "127.0.0.1:0", "--bind-rpc-socket", rpc];
    const daemon = portail.start(["daemon", "--config", file, ...flags]);
    const [, port] = await daemon.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    expect((await reach(Number(port))).status).toBe(0);
    expect((await portail.run(["rpc", "--rpc-socket", rpc, "list-backends"])).status).toBe(0);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
  });

  test("weakness 6.1.12: TCP_NODELAY is set on what clients come by and on what leads out", async () => {
    const trace = scene.path("calls");
    const strace = ["strace", "-D", "-f", "-qq", "-e", "trace=accept4,connect,setsockopt", "-o", trace];
    const daemon = portail.start(["daemon", "-c", file, "--bind-proxy-address", "127.0.0.1:0"], {}, strace);
    const [, port] = await daemon.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    expect((await reach(Number(port))).status).toBe(0);
    const calls = await Bun.file(trace).text();
    const accepted = /accept4\(.* = (\d+)$/m.exec(calls)?.[1];
    const dialled = new RegExp(String.raw`connect\((\d+), \{sa_family=AF_INET, sin_port=htons\(${web.port}\)`).exec(
      calls,
    )?.[1];
    expect([accepted, dialled]).toEqual([expect.any(String), expect.any(String)]);
    for (const fd of [accepted, dialled]) expect(calls).toContain(`setsockopt(${fd}, SOL_TCP, TCP_NODELAY, [1]`);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
  });

  describe("weakness 6.1.8: a configuration that does not do is refused with its line, and none is ignored", () => {
    test.each([
      [
        "a key that nobody knows",
        'filter-acl-rules-path = "x"\nrequest-timout = 5\n',
        78,
        /:2: unknown key "request-timout"/,
      ],
      ["no policy", "request-timeout = 5\n", 78, /no policy/],
      ["a policy that is not there", 'filter-acl-rules-path = "/nonexistent/x"\n', 66, /cannot read the policy/],
    ])("%s", async (_, text, expected, message) => {
      const broken = scene.write("broken.toml", text);
      const { status, stderr } = await portail.run(["daemon", "-c", broken, "--bind-proxy-address", "127.0.0.1:0"]);
      expect([status, stderr]).toEqual([expected, expect.stringMatching(message)]);
    });

    test("no file", async () => {
      const { status, stderr } = await portail.run(["daemon", "-c", scene.path("none.toml")]);
      expect([status, stderr]).toEqual([66, expect.stringContaining("[config.unreadable]")]);
    });
  });

  describe("check-acl-syntax", () => {
    const check = (...args: string[]) => portail.run(["check-acl-syntax", ...args]);

    test("counts what loads", async () => {
      expect(await check("-c", file, policy)).toMatchObject({ status: 0, stdout: `${policy}: 2 policies, 0 routes\n` });
      const routes = scene.write("routes.acl", 'route paris { when host == "a.test" use ["par01a", "par01b",] }\n');
      const { stdout } = await check("-c", file, "--json", routes);
      expect(JSON.parse(stdout)).toEqual({ success: true, policies: 0, routes: 1 });
    });

    test("shows what does not, with status 1", async () => {
      const routes = scene.write("routes.acl", 'route paris { when host == "a.test" use ["par02"] }\n');
      const { status, stderr, stdout } = await check("-c", file, routes);
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/routes\.acl:1:\d+: error: .*par02/);
      const told = await check("--json", scene.write("broken.acl", "policy x {"));
      expect(told.status).toBe(1);
      expect(JSON.parse(told.stdout)).toMatchObject({
        success: false,
        error: expect.stringContaining("broken.acl:1:8"),
      });
    });

    test("a file that cannot be read is no verdict", async () => {
      expect((await check(scene.path("none.acl"))).status).toBe(66);
    });
  });
});
