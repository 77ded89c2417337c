/** The live view: who, where, allowed or denied, by which policy, and bytes, for a person at a terminal and nobody else. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { TerminalProgram } from "../../support/terminal.ts";
import { openWeb, type Web } from "../../support/web.ts";

const HOST = "printer.e2e.example";
/** A SOCKS5 request for a name that would clear the terminal. */
const HOSTILE = Buffer.from("\x05\x01\x00\x05\x01\x00\x03\x04\x1b[2J\x00\x50", "latin1");

scenario(import.meta.file, ["curl", "ncat", "socat"], ({ scene, portail }) => {
  let web: Web;
  let policy: string;
  beforeAll(() => {
    web = openWeb(scene);
    policy = `policy no_printers { when host == "${HOST}" action deny }\n${allowLocal(web.port)}`;
  });

  const onTerminal = async (args: string[] = [], env: Record<string, string> = {}) => {
    const acl = scene.write("live.acl", policy);
    const line = [...portail.command, "socks", "--listen", "127.0.0.1:0", "--acl", acl, ...args];
    const terminal = new TerminalProgram(scene, line, env);
    const [, port] = await terminal.shows(/listening on 127\.0\.0\.1:(\d+)/);
    return { terminal, port: Number(port) };
  };
  const use = async (port: number) => {
    const proxy = ["--proxy", `socks5h://127.0.0.1:${port}`];
    expect((await curl([...proxy, `http://127.0.0.1:${web.port}/bytes/2000000`, "-o", "/dev/null"])).status).toBe(0);
    expect((await curl([...proxy, `http://${HOST}:9100/`])).status).toBe(97);
    expect((await curl([...proxy, `http://127.0.0.1:1/`])).status).toBe(97);
  };

  test("a line for each decision and for each end", async () => {
    const { terminal, port } = await onTerminal();
    await use(port);
    const time = String.raw`^\d\d:\d\d:\d\d`;
    const who = String.raw`127\.0\.0\.1:\d+  `;
    await terminal.shows(new RegExp(`${time} allow    ${who}socks5  127\\.0\\.0\\.1:${web.port}  by local$`, "m"));
    await terminal.shows(
      new RegExp(`${time} closed   ${who}127\\.0\\.0\\.1:${web.port}  \\d+ B out, 1\\.9 MiB in, \\d+\\.\\d s$`, "m"),
    );
    await terminal.shows(
      new RegExp(`${time} deny     ${who}socks5  printer\\.e2e\\.example:9100  by no_printers$`, "m"),
    );
    await terminal.shows(new RegExp(`${time} deny     ${who}socks5  127\\.0\\.0\\.1:1  by default$`, "m"));
    expect(terminal.screen).not.toContain("\u001b");
    terminal.signal("SIGTERM");
    expect(await terminal.ended).toBe(0);
  });

  test("in colour, unless NO_COLOR forbids it", async () => {
    const { terminal, port } = await onTerminal([], { NO_COLOR: "" });
    await use(port);
    await terminal.shows(/\u001b\[32mallow +\u001b\[0m/);
    await terminal.shows(/\u001b\[31mdeny +\u001b\[0m/);
  });

  test("a client cannot write on the terminal", async () => {
    const { terminal, port } = await onTerminal();
    await run(["ncat", "127.0.0.1", String(port)], { stdin: HOSTILE });
    await terminal.shows(/reject .*\\u001b\[2J/);
    expect(terminal.screen).not.toContain("\u001b");
  });

  for (const flag of ["--no-live", "--quiet"]) {
    test(`${flag} is quiet on a terminal too`, async () => {
      const acl = scene.write("live.acl", policy);
      const audit = scene.path(`audit${flag}`);
      const address = `unix:${scene.path(`quiet${flag}`)}`;
      const line = [...portail.command, "socks", "--listen", address, "--acl", acl, "--audit", audit, flag];
      const terminal = new TerminalProgram(scene, line);
      await run(["socat", "-u", "/dev/null", `UNIX-CONNECT:${scene.path(`quiet${flag}`)},retry=100,interval=0.1`]);
      const proxy = ["--proxy", `socks5h://localhost${scene.path(`quiet${flag}`)}`];
      await curl([...proxy, `http://127.0.0.1:${web.port}/hello`]);
      await curl([...proxy, `http://${HOST}:9100/`]);
      terminal.signal("SIGTERM");
      expect(await terminal.ended).toBe(0);
      expect(await Bun.file(audit).text()).toContain('"decision":"deny"');
      expect(terminal.screen).not.toMatch(/allow|deny|closed/);
    });
  }

  test("nothing of it goes down a pipe", async () => {
    const proxy = await portail.socks({ policy });
    await use(proxy.port);
    expect(await proxy.stop()).toBe(0);
    expect(proxy.audit().filter(({ event }) => event === "decision")).toHaveLength(3);
    expect(proxy.program.stdout).toBe("");
    expect(proxy.program.stderr).not.toMatch(/allow|deny|closed|printer/);
  });
});
