/** The mistakes of operators that must end a start: with a status, a code and a hint, never with a process that hangs or serves. */
import { createServer, type AddressInfo, type Server } from "node:net";
import { beforeAll, describe, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import type { Portail } from "../../support/portail.ts";
import { scenario } from "../../support/scenario.ts";
import type { Scene } from "../../support/scene.ts";
import { freePort } from "../../support/free-port.ts";

/** Words of a command line, exit status, code, and what else standard error says. */
type Mistake = [words: string, status: number, code: string, says: string];

const SERVER = "server --listen 127.0.0.1:0 --target 127.0.0.1:9";
const CLIENT = "client --listen 127.0.0.1:0 --target 127.0.0.1:9 --cacert ca.pem";
const ME = "--keystore own.pem";
const ALL = `${ME} --cacert ca.pem --allow-all`;

const MISTAKES: Mistake[] = [
  [
    `${SERVER} ${ME} --allow-all --cacert own-key.pem`,
    65,
    "identity.key_as_trust",
    'trust bundle "own-key.pem" is a private key',
  ],
  [
    `${SERVER} --keystore own-key.pem --allow-all --cacert ca.pem`,
    65,
    "identity.no_certificate",
    "holds a private key and no certificate",
  ],
  [`${CLIENT} --keystore own-key.pem`, 65, "identity.no_certificate", "holds a private key and no certificate"],
  [`${CLIENT} ${ME} --proxy ftp://127.0.0.1:21`, 64, "proxy.url", '"ftp"'],
  [`server --listen nonsense --target 127.0.0.1:9 ${ALL}`, 64, "endpoint.syntax", "--listen"],
  [`client --listen 0.0.0.0:0 --target 127.0.0.1:9 ${ME}`, 64, "tunnel.unsafe_listen", "--unsafe-listen"],
  [`server --listen 127.0.0.1:0 --target 192.0.2.1:9 ${ALL}`, 64, "tunnel.unsafe_target", "--unsafe-target"],
  [`${SERVER} ${ME} --cacert ca.pem`, 78, "tunnel.no_access_rule", "nothing says which clients may connect"],
  [`${SERVER} ${ME} --cacert ca.pem --allow-uri spiffe://a/**/b`, 64, "usage.value", "is not a URI pattern"],
  [`${SERVER} --cert own-cert.pem --cacert ca.pem --allow-all`, 64, "usage.missing", "--cert needs --key"],
  [`${SERVER} ${ALL} --cert own-cert.pem --key own-key.pem`, 64, "usage.conflict", "exclude each other"],
  [CLIENT, 64, "tunnel.no_identity", "--disable-authentication"],
  [`client --listen 127.0.0.1:0 --target no.invalid:9 ${ME}`, 69, "tunnel.target_unresolved", "invalid target address"],
  [
    `server --listen systemd:in --target 127.0.0.1:9 ${ALL}`,
    78,
    "systemd.no_socket",
    "the service manager passed no sockets",
  ],
  [`${SERVER} ${ALL} --status systemd:status`, 78, "systemd.no_socket", "the service manager passed no sockets"],
  [`server --listen launchd:in --target 127.0.0.1:9 ${ALL}`, 64, "endpoint.launchd", "macOS only"],
  [`${SERVER} ${ME} --cacert ca.pem --acl broken.acl`, 65, "acl.", "broken.acl"],
  [
    `${SERVER} ${ALL} --auto-acme-cert db.example --auto-acme-email me@example.com`,
    64,
    "tunnel.not_taken",
    "--auto-acme-cert",
  ],
  [`${SERVER} ${ALL} --syslog --log-format xml`, 64, "usage.value", "text, json"],
];

function files(scene: Scene): void {
  const ca = authority();
  scene.write("ca.pem", ca.cert);
  save(scene, "own", ca.issue());
  scene.write("broken.acl", "policy {\n");
}

function refusals(portail: Portail, mistakes: readonly Mistake[]): void {
  for (const [words, status, code, says] of mistakes) {
    test(`${words} (${status}, ${code})`, async () => {
      const outcome = await portail.run(["tunnel", ...words.split(" ")]);
      expect(outcome).toMatchObject({ status, stdout: "" });
      expect(outcome.stderr).toMatch(/ \[[\w.]+\]\n {2}hint: .+\n$/);
      expect(outcome.stderr).toContain(`[${code}`);
      expect(outcome.stderr).toContain(says);
      expect(outcome.stderr).not.toContain("listening on");
    });
  }
}

scenario(
  import.meta.file,
  ["openssl"],
  ({ scene, portail }) => {
    let holder: Server;
    let held = "";

    beforeAll(async () => {
      files(scene);
      holder = createServer();
      await new Promise<void>((listening) => void holder.listen(0, "127.0.0.1", listening));
      scene.defer(() => holder.close());
      held = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
    });

    refusals(portail, MISTAKES);

    describe.each(["server", "client"])("a port that somebody holds who does not share it: %s", (side) => {
      const run = (listen: string, status: string) => {
        const rest = side === "server" ? `--target 127.0.0.1:9 ${ALL}` : `--target 127.0.0.1:9 ${ME}`;
        return portail.run(["tunnel", side, "--listen", listen, "--status", status, ...rest.split(" ")]);
      };

      test("--listen", async () => {
        const { status, stderr } = await run(held, "127.0.0.1:0");
        expect(status).toBe(71);
        expect(stderr).toContain(`cannot listen on ${held}: the address is in use [listen.eaddrinuse]`);
      });

      test("--status: it does not serve without its status", async () => {
        const port = freePort();
        const { status, stderr } = await run(`127.0.0.1:${port}`, held);
        expect(status).toBe(71);
        expect(stderr).toContain(`cannot listen on ${held}: the address is in use [listen.eaddrinuse]`);
        expect(stderr).not.toContain("listening on");
        expect(await isFree(port)).toBe(true);
      });
    });

    test.each([
      ["port", "HOST:PORT", 78, "[listen.twice]"],
      ["path", `unix:${scene.path("x.sock")}`, 71, "[listen.eaddrinuse]"],
    ])("its own %s a second time", async (_what, place, status, code) => {
      const port = String(freePort());
      const table = (host: string) =>
        `[[tunnel]]\nallow-all = true\nlisten = "${place.replace("HOST", host).replace("PORT", port)}"\n`;
      const config = scene.write("two.toml", table("127.0.0.1") + table("localhost"));
      const words = `tunnel server --target 127.0.0.1:9 ${ME} --cacert ca.pem --config ${config}`;
      const outcome = await portail.run(words.split(" "));
      expect(outcome).toMatchObject({ status, stderr: expect.stringContaining(code) });
    });
  },
  ["source"],
);

/** The same from the compiled program: one mistake of each kind. */
scenario(
  import.meta.file,
  ["openssl"],
  ({ scene, portail }) => {
    beforeAll(() => files(scene));
    refusals(
      portail,
      MISTAKES.filter(([, status], i) => MISTAKES.findIndex(([, other]) => other === status) === i),
    );
  },
  ["binary"],
);

/** Whether somebody who does not share may listen there. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
