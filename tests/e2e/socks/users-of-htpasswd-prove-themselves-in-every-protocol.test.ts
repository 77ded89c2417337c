/** `--users` with a file of the real htpasswd: right, wrong and no password, by SOCKS5, CONNECT and forward requests. */
import { appendFileSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

const PASSWORD = "pâss:w0rd & more";

/** `none` and `wrong`: the status of curl, and its words, without and with a wrong password. */
const WAYS = [
  { way: "socks5h", args: [], none: [97, /No authentication method was acceptable/], wrong: [97, /rejected/] },
  { way: "http", args: ["--proxytunnel"], none: [56, /response 407/], wrong: [56, /response 407/] },
  { way: "http", args: ["--fail"], none: [22, /error: 407/], wrong: [22, /error: 407/] },
] as const;

scenario(import.meta.file, ["htpasswd", "curl"], ({ scene, portail }) => {
  let web: Web;
  let users: string;
  let proxy: AccessProxy;
  const line = async (name: string) => (await run(["htpasswd", "-nbB", name, PASSWORD])).stdout;
  beforeAll(async () => {
    web = openWeb(scene);
    users = scene.write("users", `# made by htpasswd\n${await line("ada")}${await line("grace")}`, 0o600);
    const policy = `policy no_grace { when client.user == "grace" action deny }\n${allowLocal(web.port)}`;
    proxy = await portail.socks({ policy, args: ["--users", users] });
  });

  const get = (way: string, ...more: string[]) => {
    return curl(["--proxy", proxy.url(way), ...more, `http://127.0.0.1:${web.port}/hello`]);
  };

  for (const { way, args, none, wrong } of WAYS) {
    const title = [way, ...args].join(" ");

    test(`${title}: the right password`, async () => {
      proxy.forget();
      const outcome = await get(way, ...args, "--proxy-user", `ada:${PASSWORD}`);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
      expect(await proxy.record("decision")).toMatchObject({ user: "ada", decision: "allow" });
      expect(web.requests.at(-1)?.headers.get("proxy-authorization")).toBeNull();
    });

    test(`${title}: the policy knows who it is`, async () => {
      proxy.forget();
      expect((await get(way, ...args, "--proxy-user", `grace:${PASSWORD}`)).status).not.toBe(0);
      expect(await proxy.record("decision")).toMatchObject({ user: "grace", decision: "deny", policy: "no_grace" });
    });

    for (const [what, given, [status, says]] of [
      ["a wrong password", ["--proxy-user", `ada:${PASSWORD}!`], wrong],
      ["an unknown user", ["--proxy-user", `eve:${PASSWORD}`], wrong],
      ["no password", [], none],
    ] as const) {
      test(`${title}: ${what}`, async () => {
        proxy.forget();
        web.requests.length = 0;
        const outcome = await get(way, ...args, ...given);
        expect(outcome).toMatchObject({ status, stdout: "" });
        expect(outcome.stderr).toMatch(says);
        expect(await proxy.record("reject")).toMatchObject({ client: expect.stringMatching(/^127\.0\.0\.1:/) });
        expect(proxy.audit().filter(({ event }) => event === "decision")).toEqual([]);
        expect(web.requests).toEqual([]);
      });
    }
  }

  test("a forward request without a password is asked for one", async () => {
    const { stdout } = await get("http", "--include");
    expect(stdout).toStartWith("HTTP/1.1 407 Proxy Authentication Required\r\n");
    expect(stdout).toMatch(/^Proxy-Authenticate: Basic realm="portail", charset="UTF-8"\r$/m);
  });

  test("SOCKS4, which carries no password, is refused", async () => {
    expect(await get("socks4a")).toMatchObject({ status: 97, stderr: expect.stringContaining("(91)") });
  });

  test("the audit holds no password, in no form", async () => {
    const text = await Bun.file(proxy.auditFile).text();
    const forms = [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(`ada:${PASSWORD}`).toString("base64")];
    for (const form of forms) expect(text).not.toContain(form);
    expect(text).not.toContain("$2y$");
  });

  test("SIGHUP takes up a new user", async () => {
    const linus = () => get("socks5h", "--proxy-user", `linus:${PASSWORD}`);
    expect((await linus()).status).toBe(97);
    appendFileSync(users, await line("linus"));
    expect(await proxy.reload(allowLocal(web.port))).toMatchObject({ outcome: "done" });
    expect(await linus()).toMatchObject({ status: 0 });
  });
});
