/** Rows of ghostunnel's flags that are known and refused, and of its variables for them. */
import { notTaken, type Refused, type Row, type Rows } from "./row.ts";

const WORKLOAD = "give the certificate as files: spiffe-helper writes them";
const POLICY = "write the rules as an access policy for --acl";
const ACME = "let an ACME client (certbot, lego) write --cert and --key";
const KEYCHAIN = "export certificate and key to a PKCS#12 file for --keystore";

/** The same by its environment variable, also beside an identity of files. */
function withVariable(row: Row, flag: string, variable: string, hint: string): Row {
  const how = [64, "tunnel.not_taken", `--${flag} is not taken by portail`, hint] as const;
  const refused: Refused = ["", ...how, { env: { [variable]: "x" } }];
  return { ...row, refuses: [...row.refuses, refused] };
}

const variable = (words: string, name: string, hint: string) =>
  withVariable(notTaken(words, hint), words.split(" ")[0]!.slice(2), name, hint);

export const refusedRows = {
  "use-workload-api": notTaken("--use-workload-api", WORKLOAD),
  "use-workload-api-addr": variable("--use-workload-api-addr unix:///agent", "SPIFFE_ENDPOINT_SOCKET", WORKLOAD),
  "use-workload-api-timeout": notTaken("--use-workload-api-timeout 10m", WORKLOAD),
  "enable-pprof": notTaken("--enable-pprof", "metrics are at /metrics of --status"),
  eventlog: notTaken("--eventlog", "use --syslog"),
  "keychain-identity": notTaken("--keychain-identity me", KEYCHAIN),
  "keychain-issuer": notTaken("--keychain-issuer ca", KEYCHAIN),
  "keychain-require-token": notTaken("--keychain-require-token", KEYCHAIN),
  "allow-policy": notTaken("--allow-policy bundle.rego", POLICY),
  "allow-query": notTaken("--allow-query data.allow", POLICY),
  "verify-policy": notTaken("--verify-policy=bundle.rego", POLICY),
  "verify-query": notTaken("--verify_query data.allow", POLICY),
  "auto-acme-cert": notTaken("--auto-acme-cert db.example.com", ACME),
  "auto-acme-email": notTaken("--auto-acme-email me@example.com", ACME),
  "auto-acme-agree-to-tos": notTaken("--auto-acme-agree-to-tos", ACME),
  "auto-acme-ca": notTaken("--auto-acme-ca https://acme.example", ACME),
  "auto-acme-testca": notTaken("--auto-acme-testca https://acme.example", ACME),
  "auto-acme-renew-check-interval": notTaken("--auto-acme-renew-check-interval 5m", ACME),
  "auto-acme-alt-tls-alpn-port": notTaken("--auto-acme-alt-tls-alpn-port 8443", ACME),
} satisfies Rows;
