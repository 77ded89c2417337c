/** The local wrap as `portail mux connect`, `forward` and `exec` open it, and what they say of a server that was not reached. */
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError, type ExitStatus } from "../../lib/command/errors.ts";
import { configureLog, type logFlags } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import type { Unreached } from "../../lib/net/upstream.ts";
import { openLocalWrap, type LocalWrap } from "../../lib/service/local-wrap.ts";
import { readWrapFiles, type WrapSettings } from "../../lib/service/wrap-settings.ts";

export const wrapExits = [
  { status: EXIT.usage, meaning: "a flag or its value is wrong" },
  { status: EXIT.badData, meaning: "a certificate, key or revocation list is broken" },
  { status: EXIT.noInput, meaning: "a file cannot be read" },
] as const satisfies { status: ExitStatus; meaning: string }[];

/** Files are read; nothing listens yet. */
export function openWrap(runtime: Runtime, settings: WrapSettings): Promise<LocalWrap> {
  const { log, env } = runtime;
  const files = new SourceFiles(runtime);
  const load = () => readWrapFiles(settings, files, log);
  return openLocalWrap(settings, { log, env, load, hint: ({ reason }) => HINTS[reason] });
}

/** For one who sees the log between other things: warnings only. */
export function configureCalmLog({ log }: Runtime, given: ParsedArgs<typeof logFlags>): void {
  configureLog(log, given);
  if (!given.debug) log.configure({ level: "warn" });
}

/** The error of a command whose one connection it was. */
export function unreachedError(server: string, { reason, message }: Unreached): PortailError {
  const hint = HINTS[reason];
  return new PortailError(`cannot reach ${server}: ${message}`, {
    code: `mux.${reason}`,
    exit: EXIT.unavailable,
    ...(hint !== undefined && { hint }),
  });
}

const CERTIFICATE = "the server may want a client certificate, or another: give --keystore, or --cert and --key";
const PROXY = "check --proxy or https_proxy, and what the proxy lets through";

const HINTS: Readonly<Record<string, string | undefined>> = {
  no_application_protocol: "none of its routes has such an id for that name: correct --alpn or --server-name",
  protocol_id_unconfirmed:
    "it may not route by protocol id, or something between ends TLS; --alpn-optional goes on all the same",
  unrecognized_name: "correct SERVER or --server-name",
  server_name_mismatch: "correct SERVER or --server-name; the name must be in its certificate",
  unknown_ca: "name the authority of its certificate with --cacert",
  wrong_pin: "its key has changed, or it is somebody else",
  tls_alert: CERTIFICATE,
  handshake_closed: CERTIFICATE,
  not_tls: "is it a port for TLS? PostgreSQL's own way into it is --starttls postgres",
  dial_refused: "does the server listen there?",
  dial_timeout: "a firewall may be between; --proxy leads through one",
  dial_other: "check the name of the server, and --resolver",
  proxy_credentials: "put USER:PASSWORD@ into the URL of the proxy: --proxy, or https_proxy of the environment",
  proxy_denied: PROXY,
  proxy_malformed: PROXY,
};
