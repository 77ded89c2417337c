/** Every row of commands/mux/RFD39.md is run as it stands there, and says what stands there. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { resolve } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { startListening } from "../../support/listening.ts";
import { startMariaDb } from "../../support/mariadb.ts";
import { openNames } from "../../support/names.ts";
import { authority, save } from "../../support/pki.ts";
import { ROOT } from "../../support/portail.ts";
import { openPostgres } from "../../support/postgres.ts";
import { PATH, run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd } from "../../support/sshd.ts";

const NEEDS = ["curl", "kubectl", "mariadb", "mariadbd", "mariadb-install-db", "nginx", "openssl", "psql"];
const SHELL = ["pg_createcluster", "scp", "setpriv", "ssh", "ssh-add", "ssh-agent", "ssh-keygen", "sshd"];

const DOCUMENT = readFileSync(resolve(ROOT, "commands/mux/RFD39.md"), "utf8");

/** A pipe is written with a backslash before it. */
const ROWS = DOCUMENT.split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| id ") && !line.startsWith("| --"))
  .map((line) => line.slice(2, -2).split(/(?<!\\)\|/))
  .map((cells) => cells.map((cell) => cell.trim().replaceAll("\\|", "|")))
  .map(([id, what, command, result]) => ({ id: id!, what: what!, command: command!, result: result! }));

const code = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, text]) => text!);

test("every requirement is there, and what is to come is said", () => {
  const wanted = [...Array.from({ length: 24 }, (_, i) => `R${i + 1}`), "Q1"];
  expect([...new Set(ROWS.map(({ id }) => id))]).toEqual([
    ...wanted,
    "-ping",
    "tunnels",
    "layer 7",
    "counted",
    "recorded",
    "explained",
  ]);
  expect(ROWS.filter(({ command }) => command === "to come").map(({ id }) => id)).toEqual(["R18"]);
});

scenario(
  import.meta.file,
  [...NEEDS, ...SHELL],
  ({ scene, portail }) => {
    const env: Record<string, string> = {};

    beforeAll(async () => {
      const ca = authority();
      const cacert = scene.write("ca.pem", ca.cert);
      const names = ["localhost", "proxy.example", "*.proxy.example", "web.example", "leaf.auth.test"];
      const own = save(scene, "gate", ca.issue({ cn: "gate", san: names.map((name) => `DNS:${name}`) }));
      const [web, kube, auth, before] = [freePort(), freePort(), freePort(), freePort()];
      const [shell, database, mysql, mongodb] = [
        await openSshd(scene, { Subsystem: "sftp internal-sftp" }),
        await openPostgres(scene, { cert: own.cert, key: own.key }),
        await startMariaDb(scene),
        mongo(),
      ];
      await openNginx(own, web, kube);
      const openssl = ["openssl", "s_server", "-accept", `127.0.0.1:${auth}`, "-alpn", "teleport-auth@leaf", "-rev"];
      await startListening(scene, auth, [...openssl, "-cert", own.cert, "-key", own.key]);
      const resolver = await openNames(scene, { "leaf.auth.test": ["127.0.0.1"], "far.auth.test": ["127.0.0.1"] });
      scene.write("auth.acl", 'policy leaf { when host == "leaf.auth.test" and dest.ip == 127.0.0.1 action allow }\n');
      // That of the document, at the ports that there are.
      const [, written] = /```toml\n([^`]+)```/.exec(DOCUMENT)!;
      const ports = { 3080: web, 3023: shell.port, 3024: shell.port, 3026: kube, 5432: database.port };
      const all = Object.entries({ ...ports, 3022: before, 3036: mysql, 27017: mongodb, 3025: auth });
      const pairs = all.map(([from, to]) => [`:${from}"`, `:${to}"`] as const);
      scene.write(
        "teleport.toml",
        pairs.reduce((text, [from, to]) => text.replace(from, to), written!),
      );
      for (const version of ["1", "2"]) scene.write(`version-${version}.toml`, legacy(version));
      scene.write("bin/portail", `#!/bin/sh\nexec ${portail.command.join(" ")} "$@"\n`, 0o755);
      chmodSync(scene.folder, 0o711);
      const status = freePort();
      const sockets = scene.mkdir("sockets");
      Object.assign(env, {
        PATH: `${scene.path("bin")}:${PATH}`,
        HOME: scene.mkdir("home"),
        CACERT_PATH: cacert,
        CURL_CA_BUNDLE: cacert,
        SSH: shell.config,
        KEY: shell.flags[shell.flags.indexOf("-i") + 1]!,
        STATUS: `127.0.0.1:${status}`,
        WEB: `127.0.0.1:${web}`,
        SOCKETS: sockets,
        LEGACY_PORT: String(before),
      });
      const serve = start(
        "serve",
        "--config",
        "teleport.toml",
        "--status",
        `http://127.0.0.1:${status}`,
        "--resolver",
        resolver.address,
      );
      env["PORT"] = await portOf(serve);
      env["GATE"] = `localhost:${env["PORT"]}`;
      scene.write("kubeconfig", kubeconfig(env["GATE"]));
      const forward = (id: string, ...more: string[]) =>
        portOf(start("forward", env["GATE"]!, "--alpn", id, "--listen", "127.0.0.1:0", ...more));
      env["SHELL_PORT"] = await forward("teleport-proxy-ssh");
      env["DATABASE_PORT"] = await forward("teleport-postgres", "--listen", `unix:${sockets}/.s.PGSQL.5432`);
    }, 120_000);

    function start(...words: string[]) {
      return portail.start(["mux", ...words], env);
    }

    async function portOf(program: ReturnType<typeof start>): Promise<string> {
      return (await program.output("stderr", /listening on [^\n]*?127\.0\.0\.1:(\d+)/))[1]!;
    }

    /** One that speaks first and ends. */
    function mongo(): number {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.end("from mongodb\n");
      }).listen(0, "127.0.0.1");
      scene.defer(() => void server.close());
      return (server.address() as AddressInfo).port;
    }

    async function openNginx(own: { cert: string; key: string }, web: number, kube: number): Promise<void> {
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((name) => `${name}_temp_path ${scene.path(name)};`)
        .join(" ");
      const tls = `ssl_certificate ${own.cert}; ssl_certificate_key ${own.key};`;
      const config = scene.write(
        "nginx.conf",
        `daemon off; master_process off; pid ${scene.path("nginx.pid")}; error_log ${scene.path("nginx.log")};
events {}
http {
  access_log off; default_type application/json; ${temporary} ${tls}
  server { listen 127.0.0.1:${web} ssl http2; return 200 "web $server_protocol\\n"; }
  server { listen 127.0.0.1:${kube} ssl http2; return 200 '{"major":"1","minor":"28","gitVersion":"v1.28.0"}'; }
}
`,
      );
      await startListening(scene, web, ["nginx", "-c", config, "-p", scene.folder]);
    }

    const kubeconfig = (gate: string) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [
          {
            name: "a",
            cluster: {
              server: `https://${gate}`,
              "tls-server-name": "kube-teleport-proxy-alpn.proxy.example",
              "certificate-authority": "ca.pem",
            },
          },
        ],
        contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
        "current-context": "a",
        users: [{ name: "a", user: { token: "nobody" } }],
      });

    const legacy = (version: string) => `listen = ":443"
cert = "gate-cert.pem"
key = "gate-key.pem"
[preset.teleport]
version = ${version}
web = "localhost:1"
ssh = "localhost:2"
mysql = "localhost:3"
${version === "2" ? 'ssh-listen = "localhost:2222"\n' : ""}`;

    const shown = ROWS.filter(({ command }) => command !== "to come");
    test.each(shown.map(({ id, what, command, result }) => [`${id}: ${what}`, command, result] as const))(
      "%s",
      async (_, command, result) => {
        const { stdout, stderr } = await run(["sh", "-c", code(command)[0]!], { env, cwd: scene.folder });
        const said = stdout + stderr;
        let at = 0;
        for (const text of code(result)) {
          expect(said.slice(at)).toContain(text);
          at = said.indexOf(text, at) + text.length;
        }
        expect(at).toBeGreaterThan(0);
      },
    );
  },
  ["source"],
);
