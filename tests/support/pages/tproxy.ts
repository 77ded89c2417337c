/** What readers of the pages of the transparent proxy have: servers that demand certificates, a resolver, and a user. */
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { database } from "./services.ts";
import { CA, identity, keystore, nginx, trustFile } from "./world.ts";

export const tproxy: Page = {
  needs: ["dnsmasq", "nginx", "pg_createcluster", "psql", "runuser"],
  async prepare(scene, portail) {
    const reader = await machine(scene, portail);
    await reader.names({ "service.example": "203.0.113.30", "db.example.com": "10.0.0.6" });
    await trustFile(reader, "ca.pem");
    await identity(reader, ["me.pem", "me-key.pem"], { cn: "me", san: [] });
    await keystore(reader, "me.p12", { cn: "me", san: [] });
    const clientCa = scene.write("clients.pem", CA().cert);
    const own = async (name: string) => {
      const files = [scene.path(`${name}.pem`), scene.path(`${name}.key`)] as const;
      await identity(reader, files, { cn: name, san: [`DNS:${name}`] });
      return { cert: files[0], key: files[1] };
    };
    const servers = ["service.example", "second.example"].map(async (name) => {
      const { cert, key } = await own(name);
      return `server { listen 203.0.113.30:443 ssl; server_name ${name}; ssl_certificate ${cert}; ssl_certificate_key ${key};
        ssl_client_certificate ${clientCa}; ssl_verify_client on;
        location / { default_type text/plain; return 200 "$ssl_server_name $ssl_client_s_dn\\n"; } }`;
    });
    await nginx(reader, "services", (await Promise.all(servers)).join("\n"));
    await database(reader, "10.0.0.6", { ...(await own("db.example.com")), clientCa });
    return reader;
  },
};

export const tproxyDns: Page = {
  needs: ["dnsmasq", "kdig"],
  async prepare(scene, portail) {
    const reader = await machine(scene, portail);
    await reader.must(["sh", "-c", "echo 'app:x:2002:2002::/:/bin/sh' >> /etc/passwd"]);
    return reader;
  },
};

/** With a resolver at 192.0.2.53, which everybody asks. */
async function machine(...[scene, portail]: Parameters<Page["prepare"]>): Promise<Reader> {
  const reader = await Reader.open(scene, portail);
  await reader.names({ "resolver.here": "192.0.2.53" });
  await reader.must(["sh", "-ec", "ip route add default dev lo; mkdir -p /var/lib/portail; rm -f /etc/resolv.conf"]);
  await reader.write("/etc/resolv.conf", "nameserver 192.0.2.53\n");
  const quiet = ["--keep-in-foreground", "--no-hosts", "--no-resolv", "--bind-interfaces", "--conf-file=/dev/null"];
  const known = ["--address=/second.example/203.0.113.30", "--address=/example.org/203.0.113.10"];
  await reader.serve(["dnsmasq", ...quiet, "--listen-address=192.0.2.53", "--pid-file=", ...known]);
  return reader;
}
