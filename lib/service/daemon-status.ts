/** The status of a daemon, as every command opens it: the page, the state, metrics; by HTTPS where it has a certificate, unless told otherwise. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { Runtime } from "../command/runtime.ts";
import type { Identity } from "../identity/identity.ts";
import { decodePeer } from "../identity/peer.ts";
import { checkServerName } from "../identity/server-name.ts";
import type { HandshakeOptions } from "../net/tls-conn.ts";
import { type NamedIdentity, type OpenConnections, StatusPage } from "../status/status-page.ts";
import type { Life } from "./life.ts";
import type { Registry } from "./metrics.ts";
import { openStatus, type Asking, type Routes, type StatusListener } from "./status.ts";
import { StatusClients } from "./status-clients.ts";
import { routesOf, type StatusSource } from "./status-routes.ts";
import type { StatusSettings } from "./status-settings.ts";
import { statusTls, wantsTls } from "./status-tls.ts";

export interface StatusParts extends Pick<StatusSource, "forward" | "more"> {
  /** As it is typed, e.g. `socks`. */
  command: string;
  life: Life;
  registry: Registry;
  /** Where clients come in. */
  listen: readonly string[];
  /** Further routes. */
  routes?: Routes;
  /** For HTTPS, with the certificate that is in force; absent where the daemon has none to serve with. */
  tls?: Pick<HandshakeOptions, "deadlines" | "keepAlive"> & { identity: () => Identity | undefined };
  /** Of either side, for the page. */
  identities?: () => Iterable<NamedIdentity>;
  connections?: () => OpenConnections;
  /** Two processes may overlap on its port. */
  reusePort?: boolean;
}

/** Listens where `settings` say. Throws `PortailError` when it cannot: then the daemon must not start. */
export async function openDaemonStatus(
  runtime: Runtime,
  settings: StatusSettings,
  parts: StatusParts,
): Promise<StatusListener> {
  const { env, log, version } = runtime;
  const { command, life, registry, tls, forward, more, reusePort } = parts;
  const identity = () => tls?.identity();
  const secured = wantsTls(settings, identity() !== undefined);
  if (secured && identity() === undefined) throw noIdentity();
  const clients = openClients(runtime, settings, { command, life, secured });
  const source = { life, version, listen: parts.listen.join(","), ...(forward && { forward }), ...(more && { more }) };
  const page = new StatusPage({
    ...source,
    command,
    registry,
    identities: parts.identities ?? (() => [["status", identity()]]),
    connections: parts.connections,
    isOurs: (name) => settings.names.includes(name) || (secured && certifies(identity(), name)),
    mayLook: ({ conn }: Asking) => "path" in conn.remote || (clients?.mayLook(conn) ?? false),
  });
  const routes = routesOf(source, registry, settings, new Map([["/", page], ...(parts.routes ?? [])]));
  const secure =
    secured && tls !== undefined
      ? { secure: statusTls(identity, { ...tls, terms: settings.tls }, () => clients?.trust) }
      : {};
  try {
    const listener = await openStatus(settings.endpoint, env, {
      routes,
      log,
      reusePort: reusePort ?? false,
      ...secure,
    });
    return { address: listener.address, close: () => (page.close(), listener.close()) };
  } catch (error) {
    page.close();
    throw error;
  }
}

function noIdentity(): PortailError {
  return new PortailError("--status: there is no certificate for https://", {
    code: "status.no_identity",
    exit: EXIT.usage,
    hint: "give --cert and --key, or --keystore",
  });
}

function openClients(
  runtime: Runtime,
  { clients: given }: StatusSettings,
  { command, life, secured }: { command: string; life: Life; secured: boolean },
): StatusClients | undefined {
  if (given === undefined) return undefined;
  if (!secured)
    throw new PortailError("--status-acl: the status is not served over HTTPS, where alone certificates are shown", {
      code: "status.acl_without_tls",
      exit: EXIT.config,
      hint: "give --cert and --key, or leave --status-acl and --status-cacert out",
    });
  const clients = new StatusClients(runtime, given, command);
  life.alsoReload("who may see connections", () => clients.reload());
  return clients;
}

/** Nobody else can serve under a name of the certificate. */
function certifies(identity: Identity | undefined, name: string): boolean {
  const leaf = identity?.chain[0];
  const decoded = leaf === undefined ? undefined : decodePeer(leaf);
  return decoded?.kind === "ok" && checkServerName(decoded.value, name).ok;
}
