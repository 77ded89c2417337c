/** curl with client certificates, PEM and PKCS#12: all kinds of keys, both versions, what it says of the server, and when it turns away itself. */
import { beforeAll, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import {
  CASES,
  interopScenario,
  SERVER_NAME,
  type Case,
  type Version,
  type InteropStage,
} from "../../support/interop.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

interopScenario(import.meta.file, ["openssl", "curl"], "ed25519", tell);

const ONLY: Record<Version, string[]> = { "TLSv1.2": ["--tls-max", "1.2"], "TLSv1.3": ["--tlsv1.3"] };
const SIZE = 3_000_000;

function tell({ scene, portail, files }: InteropStage, cases: readonly Case[]): void {
  let server: RunningTunnel;
  let web: Web;

  beforeAll(async () => {
    web = openWeb(scene);
    const config = files.config("server", ({ key }) => ({
      listen: "127.0.0.1:0",
      target: `127.0.0.1:${web.port}`,
      "allow-cn": `client-${key}`,
      alpn: ["http/1.1"],
    }));
    server = await portail.tunnel({ side: "server", args: ["--config", config], env: files.env });
  });

  /** Asks for `path` under `host`; its own identity comes in another form than ours. */
  const ask = (of: Case, host: string, path: string, more: string[]) => {
    const port = server.portOf(CASES.indexOf(of));
    const me = files.of("client", of.key);
    const identity =
      of.form === "pair" ? ["--cert", me.pkcs12, "--cert-type", "P12"] : ["--cert", me.cert, "--key", me.key];
    const where = ["--resolve", `${host}:${port}:127.0.0.1`, `https://${host}:${port}${path}`];
    return curl([...ONLY[of.version], ...identity, "--cacert", files.cacert, ...more, ...where]);
  };

  test.each(cases)("$name", async (of) => {
    const { status, stdout, stderr } = await ask(of, SERVER_NAME, `/bytes/${SIZE}`, [
      "--verbose",
      "--output",
      scene.path("got"),
    ]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(digest(await Bun.file(scene.path("got")).bytes())).toBe(digest(content(SIZE)));
    expect(stderr).toContain(`SSL connection using ${of.version} / `);
    expect(stderr).toContain("ALPN: server accepted http/1.1");
    expect(stderr).toContain(`subject: CN=server-${of.key}`);
    expect(stderr).toContain("SSL certificate verify ok.");
    expect(await server.session(({ tunnel, received }) => tunnel === of.name && received > SIZE)).toMatchObject({
      decision: "allow",
      certificate: { subject: `CN=client-${of.key}` },
      tls: { version: of.version, protocolId: "http/1.1", serverName: SERVER_NAME },
    });
  });

  test("under a name that the certificate does not have, curl turns away", async () => {
    const before = web.requests.length;
    const { status, stderr } = await ask(cases[0]!, "other.interop.example", "/hello", []);
    expect([status, stderr]).toEqual([60, expect.stringContaining("no alternative certificate subject name matches")]);
    expect(web.requests).toHaveLength(before);
  });
}
