/** `mux connect` as ssh's ProxyCommand: %h travels as the server name, the agent is forwarded, and what is not right ends with its status. */
import { expect, test } from "bun:test";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd } from "../../support/sshd.ts";
import { content, digest } from "../../support/web.ts";

const NEEDS = ["openssl", "ssh", "ssh-keygen", "sshd", "ssh-agent"];

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const own = save(scene, "own", ca.issue({ san: ["DNS:one.example", "DNS:two.example"] }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));

  test("by server name and protocol id, with a certificate", async () => {
    const sshd = await openSshd(scene, { AllowAgentForwarding: "yes" });
    const route = {
      name: "shell",
      "server-name": "one.example",
      alpn: ["teleport-proxy-ssh"],
      terminate: true,
      "client-certificate": "required",
      trust: "people",
      "allow-cn": "alice",
      target: `127.0.0.1:${sshd.port}`,
    };
    const mux = await RunningMux.open(scene, portail, { trusts: { people: { cacert } }, routes: [route] }, [
      "--cert",
      own.cert,
      "--key",
      own.key,
    ]);
    const connect = (...more: string[]) =>
      [...portail.command, "mux", "connect", `127.0.0.1:${mux.port}`, "--cacert", cacert, ...more].join(" ");
    const ssh = (host: string, way: string, command: string, stdin: Uint8Array | string = "") =>
      run(
        [
          "ssh",
          ...sshd.flags,
          "-o",
          "HostKeyAlias=127.0.0.1",
          "-o",
          `ProxyCommand=${way}`,
          `${sshd.user}@${host}`,
          command,
        ],
        { stdin },
      );
    const way = connect("--server-name", "%h", "--alpn", "teleport-proxy-ssh", "--keystore", alice.keystore);
    const bytes = content(3_000_000);
    expect(await ssh("one.example", way, "sha256sum; exit 7", bytes)).toEqual({
      status: 7,
      stdout: `${digest(bytes)}  -\n`,
      stderr: "",
    });
    expect(await mux.session()).toMatchObject({
      route: "shell",
      tls: { protocolId: "teleport-proxy-ssh", serverName: "one.example" },
      certificate: { subject: "CN=alice" },
    });

    const key = sshd.flags[sshd.flags.indexOf("-i") + 1]!;
    const asked = ["-A", "-o", "HostKeyAlias=127.0.0.1", "-o", `ProxyCommand=${way}`, `${sshd.user}@one.example`];
    const script = `ssh-add -q ${key} && exec "$@"`;
    const agent = await run(["ssh-agent", "sh", "-c", script, "sh", "ssh", ...sshd.flags, ...asked, "ssh-add -l"]);
    expect(agent).toEqual({ status: 0, stdout: expect.stringContaining("(ED25519)"), stderr: "" });

    const other = await ssh("two.example", way, "true");
    expect([other.status, other.stderr]).toEqual([255, expect.stringContaining("cannot reach")]);
    const direct = (...args: string[]) => run([...portail.command, "mux", "connect", ...args, "--cacert", cacert]);
    const server = `127.0.0.1:${mux.port}`;
    expect(await direct(server, "--server-name", "one.example", "--alpn", "x")).toMatchObject({ status: 69 });
    expect(await direct("127.0.0.1:1")).toMatchObject({
      status: 69,
      stderr: expect.stringContaining("[mux.dial_refused]"),
    });
    expect(await direct("nowhere")).toMatchObject({ status: 64 });
    expect(await mux.stop()).toBe(0);
  });
});
