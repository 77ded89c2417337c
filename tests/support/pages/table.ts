/** What a reader of the README's table of commands has: a file for each word of its lines, and the servers that they name. */
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { clone } from "./readme.ts";
import { database, sshd } from "./services.ts";
import { CA, identity, keystore, trustFile, trustWorld } from "./world.ts";

export const table: Page = {
  needs: ["pg_createcluster", "psql", "setpriv", "ssh", "ssh-keygen", "sshd"],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail, clone(scene));
    await reader.names({
      "gate.example.com": "203.0.113.1",
      "example.com": "203.0.113.2",
      "db.example.com": "10.0.0.6",
    });
    await trustWorld(reader);
    await trustFile(reader, "ca.pem");
    const own = async (name: string, ...names: string[]) => {
      const [cert, key] = [scene.path(`${name}.pem`), scene.path(`${name}.key`)];
      await identity(reader, [cert, key], { cn: name, san: names.map((each) => `DNS:${each}`) });
      return { cert, key };
    };
    await identity(reader, ["server.pem"], { cn: "server", san: ["DNS:example.com"] });
    await identity(reader, ["me.pem", "me-key.pem"], { cn: "me", san: [] });
    await identity(reader, ["web.pem", "web.key"], { cn: "web", san: [] });
    await keystore(reader, "alice.p12", { cn: "alice", san: [] });
    await reader.write("mux.toml", muxToml(await own("gate", "gate.example.com", "db1")));
    await reader.write("photos/one.jpg", "one");
    for (const name of ["old", "new"])
      await reader.write(`${name}.acl`, `policy ${name} { when port == 443 action allow }\n`);
    await reader.write("/etc/portail.toml", `filter-acl-rules-path = "${reader.path("old.acl")}"\n`);
    await reader.must(["mkdir", "-p", "/run/portail"]);
    const control = ["--control", "unix:/run/portail/dev.portail.Control"];
    const proxy = [
      "portail",
      "socks",
      "--listen",
      "127.0.0.1:1090",
      "--acl",
      "builtin:sample",
      "--audit",
      "socks.jsonl",
    ];
    await reader.serve([...proxy, ...control]);
    await reader.run(["curl", "--proxy", "socks5h://127.0.0.1:1090", "http://tracker.example/"]);
    const tls = { ...(await own("db", "db.example.com")), clientCa: scene.write("clients.pem", CA().cert) };
    await Promise.all([database(reader, "10.0.0.6", tls), sshd(reader)]);
    Object.assign(reader.environment, { PGUSER: "me", PGDATABASE: "shop" });
    return reader;
  },
};

const muxToml = ({ cert, key }: { cert: string; key: string }) => `listen = ":443"
cert = "${cert}"
key = "${key}"

[[route]]
name = "ssh"
server-name = "db1"
alpn = "ssh"
terminate = true
target = "localhost:22"
`;
