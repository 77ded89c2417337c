/** `--tls-groups` of what ends TLS and of what begins it, as `openssl s_client` and `s_server` see it. That of the tunnel is in tests/e2e/tunnel. */
import { beforeAll, describe, expect, test } from "bun:test";
import { freePort } from "../support/free-port.ts";
import { RunningMux } from "../support/mux-scene.ts";
import { authority, save } from "../support/pki.ts";
import { run, start, type Program } from "../support/program.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";

const GROUPS = ["--tls-groups", "P-521:P-384"];
/** As openssl has it. */
const NAMED = "secp521r1:secp384r1";

scenario(import.meta.file, ["openssl", "unshare", "bash"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const own = save(scene, "own", ca.issue());
  const identity = ["--cert", own.cert, "--key", own.key];

  describe("where TLS ends", () => {
    const ports: Record<string, number> = {};
    beforeAll(async () => {
      const status = freePort();
      const args = [...identity, ...GROUPS, "--status", `https://127.0.0.1:${status}`];
      ports["socks"] = (await portail.socks({ policy: "", args })).port;
      ports["its status"] = status;
      const routes = [{ name: "all", terminate: true, target: "127.0.0.1:9" }];
      ports["mux serve"] = (await RunningMux.open(scene, portail, { routes }, [...identity, ...GROUPS])).port;
    }, 60_000);

    test.each([
      ["socks", "X25519:P-384:P-521", "ECDH, secp521r1"],
      ["socks", "X25519:P-256", "alert handshake failure"],
      ["its status", "X25519:P-384", "ECDH, secp384r1"],
      ["its status", "X25519:P-256", "alert handshake failure"],
      ["mux serve", "X25519:P-384", "ECDH, secp384r1"],
      ["mux serve", "P-256", "alert handshake failure"],
    ])("%s, s_client -groups %s", async (command, groups, said) => {
      const to = ["-connect", `127.0.0.1:${ports[command]}`, "-CAfile", cacert];
      const { stdout, stderr } = await run(["openssl", "s_client", ...to, "-tls1_3", "-groups", groups], { stdin: "" });
      expect(`${stdout}${stderr}`).toContain(said);
    });
  });

  describe("where it begins", () => {
    let port: string;
    let server: Program;
    beforeAll(async () => {
      const served = ["-accept", "127.0.0.1:0", "-rev", "-cert", own.cert, "-key", own.key];
      server = start(scene, ["openssl", "s_server", ...served]);
      port = (await server.output("stdout", /^ACCEPT \S+:(\d+)$/m))[1]!;
    });

    const offered = async (command: readonly string[], more: readonly string[]) => {
      const before = server.stderr.length;
      await portail.run([...command, "--cacert", cacert, ...GROUPS, ...more], { stdin: "hello\n" });
      const said = () => /^Supported groups: (.+)\n/m.exec(server.stderr.slice(before))?.[1];
      return until("what was offered", said);
    };

    test("mux connect", async () => {
      expect(await offered(["mux", "connect"], ["--server-name", "localhost", `127.0.0.1:${port}`])).toBe(NAMED);
    });

    test("tproxy exec", async () => {
      const flags = ["--disable-authentication", "--map", `localhost:8080:${port}`];
      const line = "exec 3<>/dev/tcp/localhost/8080 && echo hello >&3 && head -1 <&3";
      expect(await offered(["tproxy", "exec"], [...flags, "--", "bash", "-c", line])).toBe(NAMED);
    });
  });
});
