/** Versions, cipher suites, their order and the resumption of sessions, as `openssl s_client` and `s_server` see them. */
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:tls";
import { describe, expect, test } from "bun:test";
import { countingTarget } from "../../support/counting-target.ts";
import { exchange, InteropFiles, SERVER_NAME } from "../../support/interop.ts";
import type { KeyType } from "../../support/pki.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const BOTH = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305";
const AES = "ECDHE-ECDSA-AES128-GCM-SHA256";
const CHACHA = "ECDHE-ECDSA-CHACHA20-POLY1305";

/** Flags of the server; flags of openssl, and what it says then. */
const TABLE: [flags: string, asks: [openssl: string, says: string][], key?: KeyType][] = [
  [
    "",
    [
      ["-tls1_1 -cipher ALL:@SECLEVEL=0", "alert protocol version"],
      ["-tls1_2", "New, TLSv1.2"],
      ["-tls1_3", "New, TLSv1.3"],
      // Whatever the other side likes best.
      [`-tls1_2 -cipher ${CHACHA}:${AES}`, `Cipher is ${AES}`],
      // No forward secrecy, or no AEAD.
      ["-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "alert handshake failure"],
    ],
  ],
  [
    "",
    [
      ["-tls1_2 -cipher AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA", "alert handshake failure"],
      ["-tls1_2 -sigalgs RSA+SHA256", "Peer signature type: RSA"],
    ],
    "rsa",
  ],
  [
    "--max-tls-version TLS1.2",
    [
      ["-tls1_3", "alert protocol version"],
      ["-tls1_2", "New, TLSv1.2"],
      ["", "New, TLSv1.2"],
    ],
  ],
  [
    "--min-tls-version TLS1.3",
    [
      ["-tls1_2", "alert protocol version"],
      ["-tls1_3", "New, TLSv1.3"],
    ],
  ],
  [
    "--cipher-suites CHACHA",
    [
      [`-tls1_2 -cipher ${AES}`, "alert handshake failure"],
      [`-tls1_2 -cipher ${BOTH}`, `Cipher is ${CHACHA}`],
      // Those of TLS 1.3 are fixed.
      ["-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", "Cipher is TLS_AES_128_GCM_SHA256"],
    ],
  ],
  ["--cipher-suites AES", [[`-tls1_2 -cipher ${CHACHA}`, "alert handshake failure"]]],
  ["--cipher-suites CHACHA,AES", [[`-tls1_2 -cipher ${BOTH}`, `Cipher is ${CHACHA}`]]],
  [
    "--cipher-suites AES,UNSAFE-AZURE --allow-unsafe-cipher-suites",
    [["-tls1_2 -cipher ECDHE-RSA-AES128-SHA", "Cipher is ECDHE-RSA-AES128-SHA"]],
    "rsa",
  ],
  [
    "--tls-groups P-384,X25519",
    [
      ["-tls1_3 -groups X25519", "Temp Key: X25519"],
      ["-tls1_3 -groups X25519:P-384", "Temp Key: ECDH, secp384r1"],
      ["-tls1_2 -groups P-256:P-384", "Temp Key: ECDH, secp384r1"],
      ["-tls1_3 -groups P-256", "alert handshake failure"],
    ],
  ],
  // Which the openssl of many systems does not have yet.
  ["--tls-groups X25519MLKEM768", [["-tls1_3 -groups X25519:P-256", "alert handshake failure"]]],
  [
    "--alpn h2",
    [
      ["-alpn http/1.1,h2", "ALPN protocol: h2"],
      ["-alpn http/1.1", "alert no application protocol"],
      ["", "New, TLSv1.3"],
    ],
  ],
  ["", [["-alpn h2", "No ALPN negotiated"]]],
];

scenario(
  import.meta.file,
  ["openssl"],
  ({ scene, portail }) => {
    const files = new InteropFiles(scene);

    async function server(flags: readonly string[], key: KeyType = "p256") {
      const target = await countingTarget(scene);
      const { cert, key: keyFile } = files.of("server", key);
      const identity = ["--cert", cert, "--key", keyFile, "--cacert", files.cacert, "--allow-all"];
      return portail.tunnel({ side: "server", target: target.text, args: [...identity, ...flags] });
    }
    const me = files.of("client", "p256");
    const asMe = ["-cert", me.cert, "-key", me.key, "-CAfile", files.cacert];

    /** A client in front of an s_server that sends each line back in reverse. */
    async function clientOf(openssl: readonly string[], flags: readonly string[] = []) {
      const own = files.of("server", "p256");
      const served = ["-accept", "127.0.0.1:0", "-rev", "-cert", own.cert, "-key", own.key];
      const peer = start(scene, ["openssl", "s_server", ...served, ...openssl]);
      const [, port] = await peer.output("stdout", /^ACCEPT \S+:(\d+)$/m);
      const identity = ["--cert", me.cert, "--key", me.key, "--cacert", files.cacert];
      const args = [...identity, "--override-server-name", SERVER_NAME, ...flags];
      return { peer, client: await portail.tunnel({ side: "client", target: `127.0.0.1:${port}`, args }) };
    }

    for (const [flags, asks, key] of TABLE) {
      describe(`server ${flags || "as it is"}${key === undefined ? "" : `, ${key}`}`, () => {
        let port: Promise<number> | undefined;
        test.each(asks)("s_client %s", async (openssl, says) => {
          port ??= server(words(flags), key).then((tunnel) => tunnel.port);
          const { stdout, stderr } = await run(
            ["openssl", "s_client", "-connect", `127.0.0.1:${await port}`, ...asMe, ...words(openssl)],
            { stdin: "" },
          );
          expect(`${stdout}${stderr}`).toContain(says);
        });
      });
    }

    test.each([
      ["", "X25519MLKEM768", true],
      ["--tls-groups X25519MLKEM768", "X25519MLKEM768", true],
      ["--tls-groups X25519MLKEM768", "X25519:P-256", false],
      ["--tls-groups X25519", "X25519MLKEM768", false],
    ])("server %s: a client of node:tls with %s", async (flags, ecdhCurve, agreed) => {
      const tunnel = await server(words(flags));
      const [cert, key, ca] = [me.cert, me.key, files.cacert].map((path) => readFileSync(path)) as [
        Buffer,
        Buffer,
        Buffer,
      ];
      const to = { port: tunnel.port, host: "127.0.0.1", servername: SERVER_NAME };
      const client = connect({ ...to, cert, key, ca, ecdhCurve });
      const outcome = await new Promise((resolve) => {
        client.once("secureConnect", () => resolve(client.getProtocol()));
        client.once("error", (error) => resolve(error.message));
      });
      client.destroy();
      if (agreed) expect(outcome).toBe("TLSv1.3");
      else expect(outcome).toMatch(/handshake.failure/i);
    });

    describe.each([
      ["", "Reused"],
      ["--no-session-resumption", "New"],
    ])("sessions with the server, %s", (flags, begins) => {
      test.each(["-tls1_2", "-tls1_3"])(`s_client %s: a second one is ${begins}`, async (version) => {
        const tunnel = await server(words(flags));
        const file = scene.path(`session-${begins}${version}`);
        const connect = async (more: string[]) => {
          const args = ["-connect", `127.0.0.1:${tunnel.port}`, version, ...asMe, "-sess_out", file, ...more];
          const client = start(scene, ["openssl", "s_client", ...args], { feed: true });
          await client.write("hello\n");
          await client.output("stdout", /hello$/m);
          await client.endInput();
          await client.ended;
          return /^(New|Reused), TLSv1/m.exec(client.stdout)?.[1];
        };
        expect(await connect([])).toBe("New");
        // With TLS 1.3 there may be none to bring.
        expect(await connect(existsSync(file) ? ["-sess_in", file] : [])).toBe(begins);
        await tunnel.session(({ tls }) => tls?.resumed === (begins === "Reused"));
      });
    });

    describe.each([
      ["", true],
      ["--no-session-resumption", false],
    ])("sessions of the client, %s", (flags, resumes) => {
      test.each(["-tls1_2", "-tls1_3"])(
        `s_server %s: a second one is ${resumes ? "" : "not "}resumed`,
        async (version) => {
          const { client } = await clientOf(["-CAfile", files.cacert, "-Verify", "2", version], words(flags));
          for (const nth of [1, 2]) {
            expect(await exchange({ port: client.port }, "hello\n")).toBe("olleh\n");
            await client.session(() => client.sessions().length === nth);
          }
          expect(client.sessions().map(({ tls }) => tls?.resumed)).toEqual([false, resumes]);
        },
      );
    });

    test("the client offers no signature with SHA-1", async () => {
      const { client, peer } = await clientOf(["-CAfile", files.cacert, "-Verify", "2"]);
      expect(await exchange({ port: client.port }, "hello\n")).toBe("olleh\n");
      const [, offered] = await peer.output("stderr", /^Signature Algorithms: (.*)$/m);
      expect(offered!.split(":")).toContain("ECDSA+SHA256");
      expect(offered).not.toContain("SHA1");
    });

    test.each([
      ["", /^Supported groups: (?:<NULL>|X25519MLKEM768):x25519:secp256r1:secp384r1$/im],
      ["--tls-groups P-521,P-256", /^Supported groups: secp521r1:secp256r1$/im],
    ])("the groups that the client offers, %s", async (flags, said) => {
      const { client, peer } = await clientOf(["-CAfile", files.cacert, "-Verify", "2"], words(flags));
      expect(await exchange({ port: client.port }, "hello\n")).toBe("olleh\n");
      await peer.output("stderr", said);
    });

    test.each([
      ["--max-tls-version TLS1.2", "-tls1_3", "tls_version"],
      ["--tls-groups X25519", "-tls1_3 -groups P-256", "tls_alert"],
      // By TLS 1.2 it is also about the curve of the certificate.
      ["--tls-groups X25519", "-tls1_2", "tls_alert"],
      ["--min-tls-version TLS1.3", "-tls1_2", "tls_version"],
      ["--cipher-suites CHACHA", `-tls1_2 -cipher ${AES}`, "tls_alert"],
    ])("client %s, s_server %s: refused", async (flags, openssl, reason) => {
      const { client } = await clientOf(words(openssl), words(flags));
      expect(await exchange({ port: client.port }, "hello\n").catch(() => "")).toBe("");
      expect(await client.session()).toMatchObject({ decision: "deny", reason });
    });
  },
  ["source"],
);

function words(text: string): string[] {
  return text.split(" ").filter(Boolean);
}
