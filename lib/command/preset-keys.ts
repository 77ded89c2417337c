/** Keys of a `[preset.NAME]` table, which `portail mux` makes routes of: where the servers of a preset are. */
import type { ArgDefinitions } from "./define.ts";

const target = (description: string) =>
  ({ type: "string", multiple: true, valueHint: "ADDRESS", group: "Targets", description }) as const;

const listen = (description: string) =>
  ({ type: "string", multiple: true, valueHint: "ADDRESS", group: "Legacy listeners", description }) as const;

/** Where connections are led, by what the client asks for. Each may have several, which are tried in order. */
export const presetTargets = {
  web: target("http/1.1, h2 and clients that offer no protocol id"),
  ssh: target("teleport-proxy-ssh"),
  "ssh-grpc": target("teleport-proxy-ssh-grpc"),
  grpc: target("teleport-proxy-grpc"),
  "grpc-mtls": target("teleport-proxy-grpc-mtls, for clients with a certificate of the authorities"),
  "reverse-tunnel": target("teleport-reversetunnel, and SSH without TLS"),
  kube: target("Server names that begin with kube-teleport-proxy-alpn. ; its TLS is its own"),
  auth: target("teleport-auth@CLUSTER; {capture} in HOST is the cluster, and needs auth-acl"),
  acme: target("acme-tls/1, past everything else"),
  postgres: target("teleport-postgres, and PostgreSQL's own request for TLS"),
  mysql: target("teleport-mysql, with or without a version"),
  mongodb: target("teleport-mongodb"),
  redis: target("teleport-redis"),
  sqlserver: target("teleport-sqlserver"),
  snowflake: target("teleport-snowflake"),
  oracle: target("teleport-oracle"),
  cassandra: target("teleport-cassandra"),
  elasticsearch: target("teleport-elasticsearch"),
  opensearch: target("teleport-opensearch"),
  dynamodb: target("teleport-dynamodb"),
  clickhouse: target("teleport-clickhouse"),
  spanner: target("teleport-spanner"),
  tcp: target("teleport-tcp"),
} as const satisfies ArgDefinitions;

export const presetKeys = {
  ...presetTargets,
  version: {
    type: "string",
    valueHint: "1|2",
    description: "1 keeps the legacy listeners at their ports; 2 opens those alone that have an address (2)",
  },
  "web-alpn": { type: "string", multiple: true, description: "Protocol ids of web (http/1.1, h2)" },
  "kube-server-name": { type: "string", multiple: true, description: "More server names that lead to kube" },
  "auth-acl": { type: "string", valueHint: "FILE", description: "The access policy for clusters that clients name" },
  "web-tls": { type: "boolean", description: "Speak TLS with web, which then chooses between HTTP/1.1 and HTTP/2" },
  "web-trust": {
    type: "string",
    description: "Name of a [trust.NAME] table for web, in place of the system's authorities",
  },
  "web-server-name": { type: "string", description: "Name to ask for and demand of web; else its host" },
  health: { type: "string", valueHint: "none|connect", description: "Whether all targets are checked (none)" },
  "unsafe-target": {
    type: "boolean",
    description: "Let targets be beyond this host where connections go on in the clear",
  },
  "ssh-listen": listen("SSH without TLS (version 1: port 3023)"),
  "reverse-tunnel-listen": listen("SSH of reverse tunnels without TLS (version 1: port 3024)"),
  "kube-listen": listen("TLS of kube, whatever its name (version 1: port 3026)"),
  "mysql-listen": listen("MySQL without TLS (version 1: port 3036)"),
  "postgres-listen": listen("PostgreSQL"),
  "mongodb-listen": listen("TLS of mongodb"),
} as const satisfies ArgDefinitions;
