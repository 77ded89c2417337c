/** What `portail s3crypt serve` was told, as values: the end of all strings. Opens nothing. */
import { parseAudit, type AuditSettings } from "../../../lib/audit/settings.ts";
import { usage } from "../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../lib/command/define.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { parseLife } from "../../../lib/command/flags.ts";
import { parseChoice, parseDuration, parseInteger, parseSize } from "../../../lib/command/values.ts";
import { parseIdentityFlags, parseUpstreamIdentityFlags, type IdentitySources } from "../../../lib/identity/flags.ts";
import { parseProxySources, type ProxySources } from "../../../lib/net/accept-proxy.ts";
import { parseEndpoint, type Endpoint } from "../../../lib/net/endpoint.ts";
import { KeepAlive } from "../../../lib/net/keep-alive.ts";
import type { WatchLimits } from "../../../lib/net/watch.ts";
import { defaultTunnels } from "../../../lib/service/descriptors.ts";
import type { LifeOptions } from "../../../lib/service/life.ts";
import type { Limits } from "../../../lib/service/limits.ts";
import { parseStatus, type StatusSettings } from "../../../lib/service/status-settings.ts";
import { parseDemands, type GivenDemands } from "../tool/demands.ts";
import type { args } from "./flags.ts";
import { parseWriteOnce, type WriteOnceSettings } from "./registry.ts";
import { isTrue, parseListSizes, parseS3Settings, type S3Settings } from "./s3-settings.ts";
import { parseConnectUrl, parseUpstreamUrl, type Place, type UpstreamUrl } from "./upstream-url.ts";

export interface Settings {
  readonly listen: readonly Endpoint[];
  readonly acceptProxyFrom: ProxySources | undefined;
  /** Undefined where clients come in the clear. */
  readonly front: FrontSettings | undefined;
  readonly upstream: UpstreamUrl;
  readonly dialled: Place;
  readonly upstreamSources: IdentitySources;
  /** The storage's certificate is not verified. */
  readonly unverified: boolean;
  readonly resolvers: readonly string[];
  readonly format: "ds2" | "v3";
  readonly demands: GivenDemands;
  readonly localDirectory: string | undefined;
  /** Undefined where presigned uploads may be repeated. */
  readonly writeOnce: WriteOnceSettings | undefined;
  readonly acl: string | undefined;
  readonly audit: AuditSettings | undefined;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly answerTimeout: number;
  readonly handshakeTimeout: number;
  readonly restTimeout: number;
  readonly exchange: WatchLimits;
  readonly limits: Limits;
  /** Bytes of a request head. */
  readonly mostHead: number;
  readonly keepAlive: KeepAlive;
  readonly life: LifeOptions;
  readonly status: StatusSettings | undefined;
  readonly listSizes: "exact" | "raw";
  /** Undefined is plain mode. */
  readonly s3: S3Settings | undefined;
  readonly warnings: readonly string[];
}

interface FrontSettings {
  readonly sources: IdentitySources;
  readonly clientCert: "off" | "optional" | "required";
}

type Given = ParsedArgs<typeof args>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `PortailError` for a value that makes no sense, alone or beside the others. */
export function parseSettings(given: Given, env: Environment): Settings {
  const duration = (name: keyof Given & string, least = 0) =>
    parseDuration(`--${name}`, given[name] as string, { min: least });
  const integer = (name: keyof Given & string) => parseInteger(`--${name}`, given[name] as string, { max: 1_000_000 });
  const upstream = parseUpstreamUrl(given["upstream-url"]);
  const dialled = given["connect-url"] === undefined ? upstream : parseConnectUrl(given["connect-url"]);
  const unverified = given["bypass-ssl-certificate-check"] || isTrue(env, "BYPASS_SSL_CERTIFICATE_CHECK");
  const sources = given["accept-proxy-from"];
  const front = parseFront(given);
  const s3 = parseS3Settings(given, env);
  const writeOnce = given["write-once"] || isTrue(env, "WRITE_ONCE") ? parseWriteOnce(given, env) : undefined;
  return {
    listen: given.listen.map((text) => parseEndpoint(text, "--listen")),
    acceptProxyFrom: sources.length === 0 ? undefined : parseProxySources(sources, "--accept-proxy-from"),
    front,
    upstream,
    dialled,
    upstreamSources: parseUpstreamIdentityFlags(given),
    unverified,
    resolvers: given.resolver,
    format: parseChoice("--write-format", given["write-format"], ["ds2", "v3"]),
    demands: parseDemands(given),
    localDirectory: given["local-encryption-directory"],
    writeOnce,
    acl: given.acl,
    audit: parseAudit(given),
    connectTimeout: parseSeconds("--backend-connection-timeout", given["backend-connection-timeout"]),
    answerTimeout: duration("backend-response-timeout"),
    handshakeTimeout: duration("handshake-timeout", 1),
    restTimeout: duration("keep-alive-timeout", 1),
    exchange: { idle: duration("idle-timeout"), lifetime: duration("max-conn-lifetime") },
    limits: {
      total: integer("max-concurrent-conns") || defaultTunnels(),
      perClient: integer("max-conns-per-client"),
      perUser: 0,
    },
    mostHead: parseSize("--max-header-size", given["max-header-size"], { min: 1024, max: 1024 * 1024 }),
    keepAlive: new KeepAlive(Math.ceil(duration("keepalive") / 1000)),
    life: parseLife(given),
    status: checkStatus(parseStatus(given), front),
    listSizes: parseListSizes(given),
    s3,
    warnings: [
      ...(unverified ? [UNVERIFIED] : []),
      ...(writeOnce?.open ? [FAIL_OPEN] : []),
      ...(writeOnce === undefined && given["write-once-db"] !== undefined ? [IDLE_REGISTRY] : []),
      ...(s3?.warnings ?? []),
    ],
  };
}

const UNVERIFIED =
  "--bypass-ssl-certificate-check: the storage's certificate is not verified, so that anybody can be the storage";
const FAIL_OPEN =
  "--write-once-fail=open: while the registry does not answer, presigned URLs can be used again and again";
const IDLE_REGISTRY = "--write-once-db without --write-once: presigned URLs can be used again and again";

/** ds_proxy writes seconds without a unit. */
function parseSeconds(flag: string, text: string): number {
  return parseDuration(flag, /^[0-9]+(?:\.[0-9]+)?$/.test(text) && text !== "0" ? `${text}s` : text, { min: 1 });
}

const MODES = ["off", "optional", "required"] as const;

function parseFront(given: Given): FrontSettings | undefined {
  const sources = parseIdentityFlags(given);
  const wanted =
    given["client-cert"] === undefined ? undefined : parseChoice("--client-cert", given["client-cert"], MODES);
  const { cacert, crl } = sources.trust;
  if (sources.identity === undefined) {
    const idle =
      wanted !== undefined && wanted !== "off" ? `--client-cert ${wanted}` : cacert.length > 0 ? "--cacert" : "--crl";
    if (idle === "--crl" && crl.length === 0) return undefined;
    throw usage("tls.no_identity", `${idle} needs a certificate to present`, "give --cert and --key, or --keystore");
  }
  const clientCert = wanted ?? (cacert.length > 0 ? "required" : "off");
  if (clientCert === "off" && (cacert.length > 0 || crl.length > 0))
    throw usage(
      "usage.conflict",
      "--client-cert off and --cacert or --crl exclude each other",
      "leave one of them out",
    );
  if (clientCert !== "off" && cacert.length === 0)
    throw usage("usage.missing", `--client-cert ${clientCert} needs --cacert`, "name the authority of your clients");
  return { sources, clientCert };
}

function checkStatus(status: StatusSettings | undefined, front: FrontSettings | undefined): StatusSettings | undefined {
  if (status?.scheme !== "https" || front !== undefined) return status;
  throw new PortailError("--status: there is no certificate for https", {
    code: "status.no_certificate",
    exit: EXIT.config,
    hint: "give --cert and --key, or listen on loopback or unix:PATH",
  });
}
