/** `mux forward --audit --status`: who was led to openssl's server, what came of it, and whether that is there. */
import { expect, test } from "bun:test";
import type { SessionEvent } from "../../../lib/audit/event.ts";
import { AuditTrail } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { startListening } from "../../support/listening.ts";
import { authority, save } from "../../support/pki.ts";
import { run, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

scenario(
  import.meta.file,
  ["curl", "openssl"],
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const server = save(scene, "server", ca.issue({ cn: "server", san: ["DNS:db.example"] }));
    const alice = save(scene, "alice", ca.issue({ cn: "alice", san: ["DNS:localhost"] }));
    const file = scene.path("forward.jsonl");
    const listening = (program: Program) => program.output("stderr", /listening on [^\n]*?127\.0\.0\.1:(\d+)/);

    test("the end of each connection, the server's certificate, and its absence", async () => {
      const port = freePort();
      const words = ["openssl", "s_server", "-accept", `127.0.0.1:${port}`, "-alpn", "x", "-www"];
      const openssl = await startListening(scene, port, [...words, "-cert", server.cert, "-key", server.key]);
      const way = [`127.0.0.1:${port}`, "--server-name", "db.example", "--alpn", "x", "--cacert", cacert];
      const kept = ["--audit", file, "--status", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
      const forward = portail.start(["mux", "forward", ...way, "--keystore", alice.keystore, ...kept]);
      const audit = new AuditTrail(file, () => forward.stderr);
      const [, local] = await listening(forward);
      const [, place] = await forward.output("stderr", /status on (\S+)/);
      const ask = (path: string) => curl(["--cacert", cacert, `https://localhost:${place!.split(":")[1]}${path}`]);
      const page = async () => JSON.parse((await ask("/_status")).stdout);
      expect(await page()).toMatchObject({ ok: true, forward_address: `127.0.0.1:${port}` });

      const asked = await curl([`http://127.0.0.1:${local}/`]);
      expect(asked.stdout).toContain("s_server");
      const line = await audit.record("session");
      expect(line).toMatchObject({
        command: "mux",
        decision: "allow",
        target: `127.0.0.1:${port}`,
        dest: `127.0.0.1:${port}`,
        upstream: { subject: "CN=server" },
      });
      expect(line.client).toStartWith("127.0.0.1:");
      expect(line.received).toBeGreaterThan(asked.stdout.length);

      openssl.signal("SIGTERM");
      await openssl.ended;
      expect((await curl([`http://127.0.0.1:${local}/`])).status).not.toBe(0);
      const denied = ({ decision }: SessionEvent) => decision === "deny";
      expect(await audit.record("session", denied)).toMatchObject({ reason: "dial_refused", sent: 0 });
      const metrics = (await ask("/metrics")).stdout;
      expect(metrics).toContain("portail_connections_total 2\n");
      expect(metrics).toContain('portail_refused_total{reason="dial_refused"} 1\n');
      expect(metrics).toContain(`portail_relayed_bytes_total{from="target"} ${line.received}\n`);

      forward.signal("SIGHUP");
      expect(await audit.record("reload")).toMatchObject({ outcome: "done" });
      forward.signal("SIGTERM");
      expect(await forward.ended).toBe(0);
      expect(audit.lines().map(({ event }) => event)).toEqual([
        "start",
        "session",
        "session",
        "reload",
        "drain",
        "stop",
      ]);
    });

    test("an audit that cannot be opened, and https:// without a certificate, end the start", async () => {
      const words = [
        ...portail.command,
        "mux",
        "forward",
        "127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
        "--cacert",
        cacert,
      ];
      expect(await run([...words, "--audit", scene.path("none/a")])).toMatchObject({ status: 73 });
      const { status, stderr } = await run([...words, "--status", "https://127.0.0.1:0"]);
      expect([status, stderr]).toEqual([64, expect.stringContaining("[status.no_identity]")]);
    });
  },
  ["source"],
);
