/** What readers of the pages of the multiplexer have: servers of every kind behind it, names, certificates, proxies. */
import { install, microsocks, tinyproxy } from "../peer-programs.ts";
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { database, kubernetes, mariadb, redis, sshd } from "./services.ts";
import { identity, keystore, nginx, trustFile, trustWorld } from "./world.ts";

const DATABASES = ["psql", "pg_createcluster", "setpriv", "mariadb", "mariadbd", "mariadb-install-db"];
const SERVERS = ["kubectl", "nginx", "redis-cli", "redis-server", "ssh", "sshd", "ssh-keygen"];
const HOSTS = ["gate", "intranet", "db", "mysql", "cache", "kube"].map((name) => `${name}.example.com`);

export const mux: Page = {
  needs: [...DATABASES, ...SERVERS],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    const hosts = Object.fromEntries(HOSTS.map((name) => [name, "203.0.113.1"]));
    await reader.names({ ...hosts, "kube.internal": "10.0.0.5", "db.internal": "10.0.0.6" });
    await trustWorld(reader);
    await Promise.all([trustFile(reader, "ca.pem"), trustFile(reader, "people-ca.pem")]);
    const san = (...names: string[]) => names.map((name) => `DNS:${name}`);
    await identity(reader, ["server.pem", "server.key"], { cn: "gate", san: san(...HOSTS.slice(0, -1)) });
    await identity(reader, ["proxy.pem", "proxy.key"], { cn: "proxy", san: san("proxy.example.com") });
    await identity(reader, ["me.pem", "me.key"], { cn: "me", ou: ["staff"], san: [] });
    const kube = [scene.path("kube.pem"), scene.path("kube.key")] as const;
    await identity(reader, kube, { cn: "kube", san: san("kube.example.com") });
    const [cert, key] = [scene.path("db.pem"), scene.path("db.key")];
    await identity(reader, [cert, key], { cn: "db", san: san("db.example.com") });
    const intranet = "listen 127.0.0.1:8080 proxy_protocol; location / { return 200 intranet; }";
    await nginx(reader, "intranet", `server { ${intranet} }`);
    const tls = `listen 10.0.0.5:6443 ssl; ssl_certificate ${kube[0]}; ssl_certificate_key ${kube[1]};`;
    await Promise.all([
      kubernetes(reader, tls),
      database(reader, "10.0.0.6", { cert, key }),
      mariadb(reader),
      redis(reader),
      sshd(reader),
    ]);
    return reader;
  },
};

/** A gate as the page of the other side shows how to make one, and two proxies on the way to it. */
export const muxClient: Page = {
  needs: [...DATABASES, ...SERVERS, "mariadb-dump", "microsocks", "scp", "ssh-add", "ssh-agent", "tinyproxy"],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    const names = ["gate.example.com", "proxy.example.com"];
    await reader.names({
      ...Object.fromEntries(names.map((name) => [name, "203.0.113.1"])),
      "db.internal": "10.0.0.6",
    });
    await trustWorld(reader);
    await trustFile(reader, "ca.pem");
    const san = [...HOSTS, "*.internal.example.com"].map((name) => `DNS:${name}`);
    await identity(reader, [scene.path("gate.pem"), scene.path("gate.key")], { cn: "gate", san });
    await Promise.all(["me.p12", "~/.ssh/me.p12"].map((file) => keystore(reader, file, { cn: "me", san: [] })));
    await reader.write("report.pdf", "%PDF");
    await reader.write("worker", '#!/bin/sh\nredis-cli -u "$URL" ping\n', "755");
    await reader.must(["mkdir", "-p", "/run/user/1000"]);
    await Promise.all([
      kubernetes(reader, "listen 127.0.0.1:8001;"),
      database(reader, "10.0.0.6"),
      mariadb(reader, "10.0.0.6"),
      redis(reader),
      sshd(reader),
    ]);
    const agent = scene.path("agent");
    reader.environment["SSH_AUTH_SOCK"] = agent;
    await reader.serve(["ssh-agent", "-D", "-a", agent]);
    await reader.must(["ssh-add", "-q", `${reader.home}/.ssh/id_ed25519`]);
    await reader.serve(install(scene, microsocks(1080)));
    const listen = { more: ["Listen 203.0.113.1"] };
    await reader.serve(install(scene, tinyproxy(scene.folder, 3128, listen)));
    await reader.serve(["portail", "mux", "serve", "--config", scene.write("gate.toml", gate(scene.folder))]);
    return reader;
  },
};

const gate = (folder: string) => `
listen = "203.0.113.1:443"
cert = "${folder}/gate.pem"
key = "${folder}/gate.key"

${route("ssh", '"gate.example.com"', "ssh", "127.0.0.1:22")}
${route("hosts", '"*.internal.example.com"', "ssh", "127.0.0.1:22")}
${route("database", '["db.example.com", "gate.example.com"]', "postgresql", "10.0.0.6:5432")}
${route("mysql", '["mysql.example.com", "gate.example.com"]', "mysql", "10.0.0.6:3306")}
${route("kubernetes", '"kube.example.com"', "http/1.1", "127.0.0.1:8001")}
${route("redis", '"gate.example.com"', "redis", "127.0.0.1:6379")}

[[route]]
name = "cache"
server-name = "cache.example.com"
terminate = true
target = "127.0.0.1:6379"
`;

function route(name: string, names: string, id: string, target: string): string {
  return `[[route]]\nname = "${name}"\nserver-name = ${names}\nalpn = "${id}"\nterminate = true\ntarget = "${target}"\nunsafe-target = true\n`;
}
