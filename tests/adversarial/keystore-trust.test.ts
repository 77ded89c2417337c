/** A keystore brings its authorities along. They say who we are, and must let nobody in. */
import { afterAll, expect, test } from "bun:test";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type SecureContextOptions } from "node:tls";
import { readIdentity } from "../../lib/identity/identity.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust } from "../../lib/identity/trust.ts";
import { needing } from "../support/needs.ts";
import { pkcs12 } from "../support/pki-forms.ts";
import { authority, type Certified } from "../support/pki.ts";
import { Scene } from "../support/scene.ts";

needing("authorities in a keystore are not trusted", ["openssl"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());
  const [ours, theirs] = [authority("Of the keystore"), authority("Of the clients")];
  const own = ours.issue();
  const keystore = pkcs12({ ...own, chain: own.chain + ours.cert });
  const files = new SourceFiles({ cwd: scene.folder, env: {} });
  const { credential } = readIdentity({ kind: "keystore", keystore: scene.write("own.p12", keystore) }, files);
  const { ca } = readTrust({ cacert: [scene.write("ca.pem", theirs.cert)], crl: [] }, files);

  /** Whether a server with these options lets `client` in. */
  async function admits(options: SecureContextOptions, client: Certified): Promise<boolean> {
    const server = createServer({ ...options, ca: [...ca], requestCert: true, rejectUnauthorized: true });
    const verdict = Promise.withResolvers<boolean>();
    server.on("secureConnection", (socket) => verdict.resolve(socket.authorized));
    server.on("tlsClientError", () => verdict.resolve(false));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { chain: cert, key } = client;
    const socket = connect({ host: "127.0.0.1", port, cert, key, rejectUnauthorized: false });
    socket.on("error", () => {});
    try {
      return await verdict.promise;
    } finally {
      socket.destroy();
      server.close();
    }
  }

  test("a client of such an authority is refused, a client of the trust bundle is let in", async () => {
    const { cert, key } = credential;
    expect(cert).toContain(ours.cert);
    expect(await admits({ cert, key }, ours.issue({ cn: "client" }))).toBe(false);
    expect(await admits({ cert, key }, theirs.issue({ cn: "client" }))).toBe(true);
  });

  test("which the runtime does not do with the file as it is: hence PEM", async () => {
    expect(await admits({ pfx: Buffer.from(keystore), passphrase: "" }, ours.issue({ cn: "client" }))).toBe(true);
  });
});
