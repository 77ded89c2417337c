/** ssh with ncat as its ProxyCommand, in ncat's three proxy modes, to a real sshd. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { openNames } from "../../support/names.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd, type Sshd } from "../../support/sshd.ts";
import { content, digest } from "../../support/web.ts";

const SIZE = 2 * 1024 * 1024;

scenario(import.meta.file, ["ssh", "ssh-keygen", "sshd", "ncat"], ({ scene, portail }) => {
  let sshd: Sshd;
  let proxy: AccessProxy;
  beforeAll(async () => {
    sshd = await openSshd(scene);
    const names = await openNames(scene, { "shell.e2e.example": ["127.0.0.1"] });
    const policy = `policy no_printers { when host == "printer.e2e.example" action deny }\n${allowLocal(sshd.port)}`;
    proxy = await portail.socks({ policy, args: ["--resolver", names.address] });
  });

  const ssh = (type: string, host: string, command: string, stdin: Uint8Array | string = "") => {
    const way = `ProxyCommand=ncat --proxy 127.0.0.1:${proxy.port} --proxy-type ${type} %h %p`;
    return run(["ssh", ...sshd.flags, "-o", way, `${sshd.user}@${host}`, command], { stdin });
  };

  for (const [type, protocol] of [
    ["socks5", "socks5"],
    ["socks4", "socks4"],
    ["http", "http"],
  ]) {
    test(`--proxy-type ${type}: a command, its input, its output and its status`, async () => {
      proxy.forget();
      const bytes = content(SIZE);
      const outcome = await ssh(type!, "127.0.0.1", "sha256sum; exit 7", bytes);
      expect(outcome).toEqual({ status: 7, stdout: `${digest(bytes)}  -\n`, stderr: "" });
      const { session } = await proxy.decision(`127.0.0.1:${sshd.port}`, (line) => line.protocol === protocol);
      const end = await proxy.record("close", (line) => line.session === session);
      expect(end.sent).toBeGreaterThan(SIZE);
    });
  }

  test("a host that only the proxy can resolve", async () => {
    const { stdout } = await ssh("socks5", "shell.e2e.example", "echo $((6 * 7))");
    expect(stdout).toBe("42\n");
    expect(await proxy.decision(`shell.e2e.example:${sshd.port}`)).toMatchObject({ decision: "allow" });
  });

  test("a host that no policy allows", async () => {
    const { status, stdout, stderr } = await ssh("socks5", "printer.e2e.example", "true");
    expect({ status, stdout }).toEqual({ status: 255, stdout: "" });
    expect(stderr).toMatch(/connection closed/i);
    expect(await proxy.decision(`printer.e2e.example:${sshd.port}`)).toMatchObject({ policy: "no_printers" });
  });
});
