/** The status listener of a daemon that may have a certificate: by HTTPS with it, unless told otherwise. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { Runtime } from "../command/runtime.ts";
import type { Identity } from "../identity/identity.ts";
import type { HandshakeOptions } from "../net/tls-conn.ts";
import { openStatus, type Routes, type StatusListener } from "./status.ts";
import type { StatusSettings } from "./status-settings.ts";
import { statusTls, wantsTls } from "./status-tls.ts";

interface StatusParts extends Pick<HandshakeOptions, "deadlines" | "keepAlive"> {
  routes: Routes;
  /** The certificate that is in force; undefined where there is none. */
  identity: () => Identity | undefined;
}

/** Listens where `settings` say. Throws `PortailError` when it cannot: then the daemon must not start. */
export function openDaemonStatus(
  { env, log }: Runtime,
  settings: StatusSettings,
  { routes, identity, deadlines, keepAlive }: StatusParts,
): Promise<StatusListener> {
  const certified = identity() !== undefined;
  if (settings.scheme === "https" && !certified)
    throw new PortailError("--status: there is no certificate for https://", {
      code: "status.no_identity",
      exit: EXIT.usage,
      hint: "give --cert and --key, or --keystore",
    });
  const secured = wantsTls(settings, certified) ? { secure: statusTls(identity, { deadlines, keepAlive }) } : {};
  return openStatus(settings.endpoint, env, { routes, log, reusePort: true, ...secured });
}
