/** nginx with several web servers over TLS, told apart by the server name, that demand certificates of clients. Asserts nothing. */
import type { OwnNetwork } from "./own-network.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface WebServer {
  name: string;
  /** PEM files. */
  cert: string;
  key: string;
  clientCa: string;
}

/** At port 443 of `addresses`; each answers with the server name that it was asked for and the client's subject. */
export async function startWebServers(
  scene: Scene,
  net: OwnNetwork,
  addresses: readonly string[],
  servers: readonly WebServer[],
): Promise<Program> {
  const folder = scene.mkdir(`web-${addresses[0]!.replace(/\W/g, "-")}`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const listens = addresses.map((address) => `listen ${address}:443 ssl;`).join(" ");
  const blocks = servers.map(
    ({ name, cert, key, clientCa }) => `
  server {
    ${listens}
    server_name ${name};
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    ssl_client_certificate ${clientCa}; ssl_verify_client on;
    default_type text/plain;
    location / { return 200 "$ssl_server_name $ssl_client_s_dn\\n"; }
  }`,
  );
  const config = scene.write(
    `${folder.slice(scene.folder.length + 1)}/nginx.conf`,
    `daemon off; master_process off; pid ${folder}/pid; events {}\nhttp { ${paths.join(" ")} access_log off; ${blocks.join("")}\n}\n`,
  );
  const program = net.start(scene, ["nginx", "-e", "stderr", "-p", folder, "-c", config]);
  const plain = `echo > /dev/tcp/${addresses[0]!.replace(/[[\]]/g, "")}/443`;
  await until("nginx to listen", async () => (await net.run(["bash", "-c", plain])).status === 0);
  return program;
}
