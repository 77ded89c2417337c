/** How clients come in: in the clear, over TLS, with certificates, behind a proxy. The flags for it as values; opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { parseIdentityFlags, type IdentitySources } from "../../lib/identity/flags.ts";
import { parseProxySources, type ProxySources } from "../../lib/net/accept-proxy.ts";
import { parseTls, type TlsTerms } from "../../lib/net/tls-flags.ts";
import type { args } from "./flags.ts";

export interface TlsSettings {
  /** Whether clients may also come in the clear. */
  plaintext: boolean;
  clientCert: "off" | "optional" | "required";
  sources: IdentitySources;
  terms: TlsTerms;
}

export interface WayIn {
  /** Undefined where nobody speaks TLS. */
  tls: TlsSettings | undefined;
  /** Undefined where nobody is to send PROXY headers. */
  acceptProxyFrom: ProxySources | undefined;
}

/** Throws `PortailError` (64) for values that make no sense beside each other. */
export function parseWayIn(given: ParsedArgs<typeof args>): WayIn {
  const sources = given["accept-proxy-from"];
  return {
    tls: parseTlsSettings(given),
    acceptProxyFrom: sources.length === 0 ? undefined : parseProxySources(sources, "--accept-proxy-from"),
  };
}

/** Whether whoever comes in has proved who he is with a certificate. */
export function provesByCertificate({ tls }: WayIn): boolean {
  return tls !== undefined && !tls.plaintext && tls.clientCert === "required";
}

/** Whether each connection begins with TLS, and nothing of it is read before. */
export function beginsWithTls({ tls, acceptProxyFrom }: WayIn): boolean {
  // With a key in a token, TLS reads the connection below itself.
  return tls !== undefined && !tls.plaintext && acceptProxyFrom === undefined && tls.sources.identity?.kind !== "token";
}

const MODES = ["off", "optional", "required"] as const;

function parseTlsSettings(given: ParsedArgs<typeof args>): TlsSettings | undefined {
  const sources = parseIdentityFlags(given);
  const terms = parseTls(given);
  const mode = given.tls === undefined ? undefined : parseChoice("--tls", given.tls, MODES);
  const wanted =
    given["client-cert"] === undefined ? undefined : parseChoice("--client-cert", given["client-cert"], MODES);
  if (sources.identity === undefined) {
    const idle = idleFlag(given, mode, wanted);
    if (idle === undefined) return undefined;
    throw usage("tls.no_identity", `${idle} needs a certificate to present`, "give --cert and --key, or --keystore");
  }
  if (mode === "off")
    throw usage(
      "usage.conflict",
      "--tls off and an identity exclude each other",
      "leave out --cert, --key and --keystore",
    );
  const { cacert, crl } = sources.trust;
  const clientCert = wanted ?? (cacert.length > 0 ? "required" : "off");
  if (clientCert === "off" && (cacert.length > 0 || crl.length > 0))
    throw usage(
      "usage.conflict",
      `--client-cert off and --${cacert.length > 0 ? "cacert" : "crl"} exclude each other`,
      "nobody would be held against it",
    );
  if (clientCert !== "off" && cacert.length === 0)
    throw usage(
      "usage.missing",
      `--client-cert ${clientCert} needs --cacert`,
      "name the authority of your clients: with those of the system, anybody could get a certificate",
    );
  return {
    plaintext: mode === "optional",
    clientCert,
    sources,
    terms,
  };
}

/** A flag that would be believed to protect, and does not without an identity. */
function idleFlag(
  given: ParsedArgs<typeof args>,
  mode: (typeof MODES)[number] | undefined,
  wanted: (typeof MODES)[number] | undefined,
): string | undefined {
  if (mode !== undefined && mode !== "off") return `--tls ${mode}`;
  if (wanted !== undefined && wanted !== "off") return `--client-cert ${wanted}`;
  if (given.cacert.length > 0) return "--cacert";
  if (given["tls-groups"] !== undefined) return "--tls-groups";
  return given.crl.length > 0 ? "--crl" : undefined;
}
