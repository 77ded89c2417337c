/** What a reader of the page of tunnels has: a database, sshd, a web server, and certificates for those who may come. */
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { database, sshd } from "./services.ts";
import { identity, keystore, nginx, trustFile } from "./world.ts";

export const tunnel: Page = {
  needs: ["psql", "pg_createcluster", "setpriv", "ssh", "sshd", "ssh-keygen", "nginx"],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    await reader.names({ "db.example.com": "203.0.113.20" });
    await trustFile(reader, "ca.pem");
    await identity(reader, ["server.pem", "server.key"], { cn: "server", san: ["DNS:db.example.com"] });
    await keystore(reader, "alice.p12", { cn: "alice", ou: ["dba"], san: [] });
    await nginx(reader, "web", "server { listen 127.0.0.1:8080; location / { return 200 web; } }");
    await Promise.all([database(reader), sshd(reader)]);
    return reader;
  },
};
