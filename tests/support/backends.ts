/** Access proxies that send all to backends, and the identity of backends that speak TLS. Asserts nothing. */
import type { AccessProxy } from "./access-proxy.ts";
import { authority, save } from "./pki.ts";
import type { Portail } from "./portail.ts";
import type { Scene } from "./scene.ts";

/** To this machine, through these backends and no way else. */
export function policyFor(...backends: string[]): string {
  return `route all { use ${JSON.stringify(backends)} }\npolicy via { when route.local == false and dest.ip in [127.0.0.0/8] action allow }\n`;
}

export interface TlsBackends {
  /** PEM files of the identity: `localhost` and 127.0.0.1. */
  cert: string;
  key: string;
  /** The table `[trust.servers]`, which trusts it. */
  trust: string;
  /** A proxy with these tables of backends, which are used in this order. */
  proxyWith(tables: string, backends: string[], ...args: string[]): Promise<AccessProxy>;
}

export function openTlsBackends(scene: Scene, portail: Portail): TlsBackends {
  const servers = authority("Backends");
  const trusted = scene.write("servers.pem", servers.cert);
  const { cert, key } = save(scene, "next", servers.issue({ san: ["DNS:localhost", "IP:127.0.0.1"] }));
  let configs = 0;
  return {
    cert,
    key,
    trust: `[trust.servers]\ncacert = ["${trusted}"]\n`,
    proxyWith(tables, backends, ...args) {
      const config = scene.write(`backends-${++configs}.toml`, tables);
      const flags = ["--config", config, "--status", "127.0.0.1:0", ...args];
      return portail.socks({ policy: policyFor(...backends), args: flags });
    },
  };
}
