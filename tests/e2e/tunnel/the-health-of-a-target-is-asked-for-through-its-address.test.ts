/** `--target-status`: the URL names a host, the target's address is where it is asked, in the clear or over TLS; `/_status` follows the answer. */
import { beforeAll, describe, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { authority, save, selfSigned, type Certified } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const HOST = "health.example";

scenario(
  import.meta.file,
  ["openssl", "curl"],
  ({ scene, portail }) => {
    const ca = authority();
    const files = { cacert: "", keystore: "" };
    const asked: { host: string | null; path: string; authorization: string | null }[] = [];
    let answer = 200;

    beforeAll(() => {
      files.cacert = scene.write("ca.pem", ca.cert);
      files.keystore = save(scene, "own", ca.issue()).keystore;
    });

    /** A web server; over TLS with `identity`. */
    function web(identity?: Certified): number {
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        development: false,
        ...(identity === undefined ? {} : { tls: { cert: identity.cert, key: identity.key } }),
        fetch({ headers, url }) {
          const { pathname, search } = new URL(url);
          asked.push({
            host: headers.get("host"),
            path: pathname + search,
            authorization: headers.get("authorization"),
          });
          return new Response("", { status: answer });
        },
      });
      scene.defer(() => server.stop(true));
      return server.port!;
    }

    /** Answers what asks for the status of a tunnel server in front of `port`. */
    async function statusOf(port: number, url: string): Promise<() => Promise<Record<string, unknown>>> {
      const who = ["--keystore", files.keystore, "--cacert", files.cacert, "--allow-all"];
      const tunnel = await portail.tunnel({
        side: "server",
        target: `127.0.0.1:${port}`,
        args: [...who, "--target-status", url, "--status", "http://127.0.0.1:0"],
        env: { SSL_CERT_FILE: files.cacert },
      });
      const [, status] = await tunnel.program.output("stderr", /"message":"status on [^"]*:(\d+)"/);
      return async () => {
        const { stdout } = await curl([`http://127.0.0.1:${status}/_status`]);
        return JSON.parse(stdout) as Record<string, unknown>;
      };
    }

    test("in the clear: well, not well, and well again", async () => {
      const ask = await statusOf(web(), `http://me:secret@${HOST}/ready?deep=1`);
      expect(await ask()).toMatchObject({ ok: true, backend_ok: true });
      const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`;
      expect(asked.at(-1)).toEqual({ host: HOST, path: "/ready?deep=1", authorization });
      answer = 503;
      await until("a target that is not well", async () => (await ask())["ok"] === false);
      const page = await ask();
      expect(page).toMatchObject({ backend_ok: false, backend_error: `http://${HOST}/ready answered 503` });
      expect(JSON.stringify(page)).not.toContain("secret");
      answer = 200;
      await until("a target that is well", async () => (await ask())["ok"] === true);
    });

    describe("over TLS", () => {
      test.each([
        ["with the certificate of the host", ca.issue({ san: [`DNS:${HOST}`] }), undefined],
        ["with one of another host", ca.issue({ san: ["DNS:other.example"] }), "is not for its host"],
        ["with one that nobody vouches for", selfSigned({ san: [`DNS:${HOST}`] }), "self"],
      ])("%s", async (_what, identity, error) => {
        const before = asked.length;
        const page = await (await statusOf(web(identity), `https://${HOST}:8443/ready`))();
        if (error === undefined) {
          expect(page).toMatchObject({ ok: true });
          expect(asked.at(-1)).toMatchObject({ host: `${HOST}:8443`, path: "/ready" });
        } else {
          expect(page).toMatchObject({ ok: false, backend_error: expect.stringContaining(error) });
          expect(asked).toHaveLength(before);
        }
      });

      test("asked of a target that speaks none, it is not well", async () => {
        expect(await (await statusOf(web(), `https://${HOST}/`))()).toMatchObject({ ok: false, backend_ok: false });
      });
    });
  },
  ["source"],
);
