/** `tunnel server --stdio` behind a socket that another program accepts at: socat and the service manager's own inetd mode. */
import { describe, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { start } from "../../support/program.ts";
import { content, digest, openWeb } from "../../support/web.ts";

const SIZE = 3_000_000;

/** A colon would be socat's own. */
const escaped = (words: readonly string[]) => words.join(" ").replaceAll(":", "\\:");

scenario(import.meta.file, ["openssl", "curl", "socat", "systemd-socket-activate"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const server = save(scene, "server", ca.issue({ cn: "server" }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  const bob = save(scene, "bob", ca.issue({ cn: "bob", san: [] }));
  const web = openWeb(scene);

  const words = () => {
    const ends = ["--stdio", "--target", `127.0.0.1:${web.port}`];
    const identity = ["--keystore", server.keystore, "--cacert", cacert, "--allow-cn", "alice"];
    return [...portail.command, "tunnel", "server", ...ends, ...identity];
  };
  const WAYS: [string, (port: number) => string[]][] = [
    ["socat", (port) => ["socat", `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, `EXEC:${escaped(words())}`]],
    [
      "systemd-socket-activate",
      (port) => ["systemd-socket-activate", "--accept", "--inetd", "-l", `127.0.0.1:${port}`, ...words()],
    ],
  ];

  describe.each(WAYS)("%s", (_, line) => {
    test("alice is let through, three times; bob is not", async () => {
      const port = freePort();
      start(scene, line(port));
      const ask = (who: typeof alice, path: string) => {
        const patience = ["--retry", "50", "--retry-connrefused", "--retry-delay", "0"];
        const identity = ["--cert", who.cert, "--key", who.key, "--cacert", cacert];
        const where = ["--resolve", `localhost:${port}:127.0.0.1`, `https://localhost:${port}${path}`];
        return curl([...patience, ...identity, "--output", scene.path("got"), ...where]);
      };
      for (let i = 0; i < 3; i++) {
        expect((await ask(alice, `/bytes/${SIZE}`)).status).toBe(0);
        expect(digest(await Bun.file(scene.path("got")).bytes())).toBe(digest(content(SIZE)));
      }
      const asked = web.requests.length;
      expect((await ask(bob, "/hello")).status).not.toBe(0);
      expect(web.requests.length).toBe(asked);
    });
  });
});
