/** `portail tunnel server --syslog`, with a /dev/log of its own and a python3 process behind it. */
import { beforeAll, expect, test } from "bun:test";
import { Receiver, socketPath } from "../../support/datagrams.ts";
import { OWN_SYSLOG_NEEDS, withSyslog } from "../../support/own-syslog.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";

scenario(
  import.meta.file,
  ["openssl", ...OWN_SYSLOG_NEEDS],
  ({ scene, portail }) => {
    let args: string[] = [];
    beforeAll(() => {
      const ca = authority();
      const { keystore } = save(scene, "own", ca.issue());
      const who = ["--keystore", keystore, "--cacert", scene.write("ca.pem", ca.cert), "--allow-all"];
      args = ["tunnel", "server", "--listen", "127.0.0.1:0", "--target", "127.0.0.1:9", ...who, "--syslog"];
    });
    const serverWith = (log: string) => withSyslog(scene, log, [...portail.command, ...args]);

    test("lines go there, refusals as warnings, the last one too; standard error has none", async () => {
      const log = socketPath(scene, "log.sock");
      const daemon = await Receiver.open(scene, "datagram", log);
      const program = serverWith(log);
      const { text } = await daemon.message(/^<30>.* portail\[\d+\]: listening on 127\.0\.0\.1:\d+$/);
      const port = Number(/:(\d+)$/.exec(text)![1]);
      await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: { open: (socket) => void socket.end("GET / HTTP/1.1\r\n\r\n"), data() {}, error() {} },
      });
      await daemon.message(/^<28>.*error on TLS handshake from tcp:127\.0\.0\.1:\d+: .*reason=not_tls/);
      program.signal("SIGTERM");
      expect(await program.ended).toBe(0);
      await daemon.message(/^<30>.*SIGTERM: draining open=0$/);
      expect(program.stderr).toBe("");
    });

    test("where there is no syslog, it does not start", async () => {
      const program = serverWith(socketPath(scene, "nobody"));
      expect(await program.ended).toBe(69);
      expect(program.stderr).toContain("no syslog at /dev/log: there is no such socket [syslog.unavailable]");
    });
  },
  ["source"],
);
