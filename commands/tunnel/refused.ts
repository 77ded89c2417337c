/** Flags of ghostunnel that are not taken: recognised, so that nobody believes them in force, and refused with what to do instead. */
import { usage } from "../../lib/command/argv.ts";

const WORKLOAD =
  "give the certificate as files: spiffe-helper writes them, --timed-reload takes up new ones; unset SPIFFE_ENDPOINT_SOCKET";
const POLICY = "write the rules as an access policy for --acl; `portail acl --help` says more";
const ACME = "let an ACME client (certbot, lego) write --cert and --key, and reload with SIGHUP";
const KEYCHAIN = "export certificate and key to a PKCS#12 file for --keystore";

const HINTS: Record<string, string> = {
  "use-workload-api": WORKLOAD,
  "use-workload-api-addr": WORKLOAD,
  "use-workload-api-timeout": WORKLOAD,
  "enable-pprof": "profiles of the Go runtime do not exist here; metrics are at /metrics of --status",
  eventlog: "the event log is of Windows; use --syslog, or the log on standard error",
  "keychain-identity": KEYCHAIN,
  "keychain-issuer": KEYCHAIN,
  "keychain-require-token": KEYCHAIN,
  "allow-policy": POLICY,
  "allow-query": POLICY,
  "verify-policy": POLICY,
  "verify-query": POLICY,
  "auto-acme-cert": ACME,
  "auto-acme-email": ACME,
  "auto-acme-agree-to-tos": ACME,
  "auto-acme-ca": ACME,
  "auto-acme-testca": ACME,
  "auto-acme-renew-check-interval": ACME,
  "auto-acme-alt-tls-alpn-port": ACME,
};

/** Throws `PortailError` (`tunnel.not_taken`, 64) where one of them is given. */
export function refuseOthers(given: Readonly<Record<string, unknown>>): void {
  for (const [name, hint] of Object.entries(HINTS)) {
    const value = given[name];
    if (value !== undefined && value !== false)
      throw usage("tunnel.not_taken", `--${name} is not taken by portail`, hint);
  }
}
