/** nginx with several web servers over TLS, told apart by the server name, that demand certificates of clients. Asserts nothing. */
import { existsSync, readFileSync } from "node:fs";
import type { OwnNetwork } from "./own-network.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface WebServer {
  name: string;
  /** PEM files. */
  cert: string;
  key: string;
  clientCa: string;
}

export interface WebServers {
  /** The status of each request so far, and the version of TLS that it came over, if any. */
  requests(): string[];
}

/**
 * At `ports` of `addresses`; each answers with the server name that it was asked for and the client's subject, at /slow for
 * a long time.
 */
export async function startWebServers(
  scene: Scene,
  net: OwnNetwork,
  addresses: readonly string[],
  servers: readonly WebServer[],
  ports: readonly number[] = [443],
): Promise<WebServers> {
  const folder = scene.mkdir(`web-${addresses[0]!.replace(/\W/g, "-")}`);
  const slow = scene.write(`${folder.slice(scene.folder.length + 1)}/slow`, "slow ".repeat(20_000));
  const log = `${folder}/requests`;
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const listens = addresses.flatMap((address) => ports.map((port) => `listen ${address}:${port} ssl;`)).join(" ");
  const blocks = servers.map(
    ({ name, cert, key, clientCa }) => `
  server {
    ${listens}
    server_name ${name};
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    ssl_client_certificate ${clientCa}; ssl_verify_client on;
    default_type text/plain;
    location /slow { limit_rate 1k; alias ${slow}; }
    location / { return 200 "$ssl_server_name $ssl_client_s_dn\\n"; }
  }`,
  );
  const config = scene.write(
    `${folder.slice(scene.folder.length + 1)}/nginx.conf`,
    `daemon off; master_process off; pid ${folder}/pid; events {}\nhttp { ${paths.join(" ")} log_format seen "$status $ssl_protocol"; access_log ${log} seen; ${blocks.join("")}\n}\n`,
  );
  net.start(scene, ["nginx", "-e", "stderr", "-p", folder, "-c", config]);
  const plain = `: < /dev/tcp/${addresses[0]!.replace(/[[\]]/g, "")}/${ports[0]!}`;
  await until("nginx to listen", async () => (await net.run(["bash", "-c", plain])).status === 0);
  return {
    requests: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
  };
}
