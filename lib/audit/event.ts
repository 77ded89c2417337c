/** What a daemon says about itself and its clients, as data: one JSON object per line. Names are frozen by a test. */
import { FACTS, lookupFact, type FactName, type Facts, type FactValue } from "../acl/facts.ts";
import { formatIp, type Ip } from "../wire/ip.ts";

export const AUDIT_VERSION = 1;

interface Base {
  v: typeof AUDIT_VERSION;
  /** RFC 3339, UTC, milliseconds. */
  time: string;
  command: string;
}

/** About one connection; `session` is the same on all its lines. */
interface Session extends Base {
  session: string;
  /** `ip:port`, or `unix:` for a client on a UNIX socket. */
  client: string;
  user?: string;
}

/** One decision. `dest` is the decided address, absent where none was needed or none was left. */
export interface DecisionEvent extends Session {
  event: "decision";
  protocol: string;
  target: string;
  dest?: string;
  decision: "allow" | "deny" | "redirect" | "challenge";
  /** The policy that decided; null is the default, which denies. */
  policy: string | null;
  route?: string[];
  reason: string;
  /** The class of the address, where the address guard refused it. */
  guard?: string;
  /** The missing fact, where that is the reason. */
  missing?: string;
  /** Policies with `action log` that matched. */
  logged?: string[];
  /** Where a redirect led. */
  redirected?: string;
  /** Addresses of the name that were refused, with the reason. */
  dropped?: { ip: string; reason: string; policy: string | null }[];
  /** The client's, where it came over TLS and gave one. */
  certificate?: CertificateRecord;
  tls?: TlsRecord;
  /** Digest of the loaded set of policies. */
  policies: string;
  /** Every fact that the loaded policies mention and that was known. */
  facts: Record<string, unknown>;
}

/**
 * The end of what a decision allowed, or of the attempt. Bytes are counted from the client and from the upstream. Of a UDP
 * association `target` is where its client sent to.
 */
export interface CloseEvent extends Session {
  event: "close";
  target: string;
  /** The address that was connected; absent where a backend connected. */
  dest?: string;
  backend?: string;
  /** Backends that failed before, and why. */
  tried?: { backend: string; error: string }[];
  sent: number;
  received: number;
  /** Of a UDP association; dropped are those that went nowhere, either way. */
  datagrams?: { sent: number; received: number; dropped: number };
  /** Milliseconds since the decision. */
  duration: number;
  /** Which side or limit ended it, or why it never began. */
  reason: string;
  error?: string;
}

/** A client that came to no decision: it broke the protocol, was late, was one too many, or did not prove who it is. */
export interface RejectEvent extends Session {
  event: "reject";
  reason: string;
  /** Quoted by JSON: what a peer sent is data. */
  message: string;
  /** The client's, where it could be read. */
  certificate?: CertificateRecord;
}

/** What a record says of a certificate that its owner proved to hold. */
export interface CertificateRecord {
  /** RFC 4514. */
  subject: string;
  issuer: string;
  /** Lower-case hex. */
  serial: string;
  /** SHA-256 of the public key, base64. */
  pin: string;
  /** RFC 3339. */
  notAfter: string;
}

/** What a record says of the TLS between a client and us. */
export interface TlsRecord {
  version: string;
  protocolId?: string;
  serverName?: string;
  resumed: boolean;
}

/** What a client asked for in its ClientHello, before anything was agreed upon. */
export interface HelloRecord {
  serverName?: string;
  protocolIds?: readonly string[];
}

/** A program of this machine that is a client: who runs it, and what it is, as far as that could be seen. */
export interface ProgramRecord {
  uid: number;
  /** The name of that user. */
  user?: string;
  gid?: number;
  pid?: number;
  executable?: string;
  cgroup?: string;
}

/**
 * A connection through a tunnel, a multiplexer or a transparent proxy, whole, written when it is over. `deny` is one that was not let through, by whatever
 * check; `reason` is which, or what ended it. Bytes are counted from the client (`sent`) and from the target.
 */
export interface SessionEvent extends Session {
  event: "session";
  /** Its name in the configuration. */
  tunnel?: string;
  /** Of a multiplexer: the route that was chosen. */
  route?: string;
  /** Of a transparent proxy: the rule that took it, where the client was going, and who that is. */
  rule?: string;
  original?: string;
  program?: ProgramRecord;
  /** Of a multiplexer: what it was chosen by, where that was a hello. */
  hello?: HelloRecord;
  target: string;
  dest?: string;
  decision: "allow" | "deny";
  /** The policy that decided; null where none did. */
  policy: string | null;
  reason: string;
  /** The missing fact, where that is the reason. */
  missing?: string;
  logged?: string[];
  error?: string;
  /** The client's certificate. */
  certificate?: CertificateRecord;
  /** The target's certificate. */
  upstream?: CertificateRecord;
  tls?: TlsRecord;
  sent: number;
  received: number;
  /** Milliseconds since the connection was accepted. */
  duration: number;
  /** Digest of the loaded set of policies, where there is one. */
  policies?: string;
  /** Every fact that the loaded policies mention and that was known. */
  facts: Record<string, unknown>;
}

/**
 * A request for an object or a container of a storage, whole, written when it is over. `deny` is one that the policy did
 * not let through, or the proxy whatever the policy. Bytes are those of content as the client has them.
 */
export interface ObjectEvent extends Session {
  event: "object";
  method: string;
  /** One of S3's names, also of what another storage calls otherwise. */
  operation: string;
  bucket?: string;
  key?: string;
  /** At the storage, without the query, which may hold a secret. */
  path: string;
  decision: "allow" | "deny";
  /** The policy that decided; null where none did. */
  policy: string | null;
  /** Of the decision. */
  reason: string;
  missing?: string;
  logged?: string[];
  /** `client`: it left before the end. `failed`: the storage did, or the object is not as it was written. */
  outcome: "done" | "denied" | "refused" | "failed" | "client" | "cut";
  /** That was answered; absent where nothing was. */
  status?: number;
  format?: "ds2" | "v3" | "plaintext" | "empty";
  /** Decimal: ids have 64 bits. */
  keyId?: string;
  /** Of an object that was read: whether it was shown that it ends where it was ended. */
  end?: "proven" | "unproven";
  /** What became of the right to upload; `unchecked`: the registry did not answer, and that was let pass. */
  writeOnce?: "taken" | "used_up" | "given_back" | "unchecked";
  sent: number;
  received: number;
  /** Milliseconds. */
  duration: number;
  /** A stable word, and what it was about. */
  code?: string;
  error?: string;
  certificate?: CertificateRecord;
  tls?: TlsRecord;
  policies?: string;
  /** Every fact that the loaded policies mention and that was known. */
  facts: Record<string, unknown>;
}

/**
 * The answer to a question about a name that is led here; of what else anybody looks up nothing is recorded. `exhausted`: it
 * got no address, since none was left or it could not be kept.
 */
interface NameEvent extends Base {
  event: "name";
  client: string;
  transport: "udp" | "tcp";
  name: string;
  /** As zone files write it: `A`, `AAAA`, `TYPE65`. */
  type: string;
  outcome: "fake" | "nodata" | "exhausted" | "refused";
  address?: string;
}

export interface ReloadEvent extends Base {
  event: "reload";
  outcome: "done" | "kept";
  /** Absent where no policy is used. */
  policies?: string;
  /** Why the old set was kept. */
  error?: string;
}

/**
 * A use of a right over the control socket, or the attempt: `denied` to who does not have it, `failed` for what could not
 * be done.
 */
interface ControlEvent extends Base {
  event: "control";
  /** With its interface. */
  method: string;
  /** As the system vouches for them. */
  uid: number;
  gid: number;
  pid: number;
  outcome: "done" | "denied" | "failed";
  /** What it was about: a backend, a session, a request. */
  subject?: string;
  /** The name of the error that was answered. */
  error?: string;
}

export interface LifeEvent extends Base {
  event: "start" | "drain" | "stop";
  listen?: string[];
  policies?: string;
  /** Tunnels that were open. */
  open?: number;
  /** Flags by which something is not verified. */
  unsafe?: string[];
}

/** Lines that were lost because the sink could not take them. */
interface LossEvent extends Base {
  event: "loss";
  lost: number;
}

export type AuditEvent =
  | DecisionEvent
  | CloseEvent
  | RejectEvent
  | SessionEvent
  | ObjectEvent
  | NameEvent
  | ReloadEvent
  | ControlEvent
  | LifeEvent
  | LossEvent;

/** Headers that carry secrets: a line holds a digest of them, enough to see that two are the same. */
const SECRET = new Set<FactName>([
  "header.authorization",
  "header.proxy-authorization",
  "header.cookie",
  "header.set-cookie",
]);

/**
 * The named facts as JSON; `hash` digests a secret's value. That datagrams were asked for is always there: an allow
 * hangs on it, whatever the policies mention.
 */
export function auditFacts(
  facts: Facts,
  names: readonly FactName[],
  hash: (value: string) => string,
): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  if (facts["proxy.cmd"] === "udp_associate") known["proxy.cmd"] = "udp_associate";
  for (const name of names) {
    const value = (facts as Readonly<Record<string, FactValue | undefined>>)[name];
    if (value === undefined) continue;
    known[name] = SECRET.has(name) || isSecretHeader(name) ? `sha256:${hash(String(value))}` : factToJson(name, value);
  }
  return known;
}

/** Names such as `x-api-key` or `x-auth-token` are no standard, but their values are secrets all the same. */
function isSecretHeader(name: FactName): boolean {
  return name.startsWith("header.") && /token|secret|key|passw|auth|session|credential/.test(name);
}

function factToJson(name: FactName, value: FactValue): unknown {
  const type = Object.hasOwn(FACTS, name) ? lookupFact(name)?.spec.type : undefined;
  if (type === "address") return formatIp(value as Ip);
  if (type === "instant") return new Date(value as number).toISOString();
  return value;
}
