/** HAProxy as one port for many services that know no TLS: by server name and protocol id, for clients with a certificate. Asserts nothing. */
import { existsSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { haproxy, install } from "./peer-programs.ts";
import { start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

interface GateRoute {
  /** Asked for by the client. */
  serverName: string;
  protocolId: string;
  /** `IP:PORT`. */
  target: string;
}

export interface GateOptions {
  /** Its certificate with key, and the authority of its clients: files. */
  keystore: string;
  cacert: string;
  port?: number;
  /** Default 127.0.0.1. */
  address?: string;
  /** What stands in front of its command line. */
  prefix?: readonly string[];
}

/** Resolves to its port. */
export async function openGate(
  scene: Scene,
  routes: readonly GateRoute[],
  { keystore, cacert, port = freePort(), address = "127.0.0.1", prefix = [] }: GateOptions,
): Promise<number> {
  const name = `gate-${port}`;
  const ready = scene.path(`${name}.sock`);
  const ids = [...new Set(routes.map(({ protocolId }) => protocolId))].join(",");
  const sections = [
    "frontend gate",
    `  bind ${address}:${port} ssl crt ${keystore} ca-file ${cacert} verify required alpn ${ids}`,
    `  bind unix@${ready}`,
    ...routes.map(
      ({ serverName, protocolId }, i) =>
        `  use_backend to-${i} if { ssl_fc_sni ${serverName} } { ssl_fc_alpn ${protocolId} }`,
    ),
    ...routes.flatMap(({ target }, i) => [`backend to-${i}`, `  server target ${target}`]),
  ];
  const program = start(scene, [...prefix, ...install(scene, haproxy(scene.folder, sections, { name }))]);
  await until(
    () => `haproxy to listen: ${program.stderr}`,
    () => existsSync(ready),
  );
  return port;
}
