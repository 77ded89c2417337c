/** Outbound proxies: their URLs, and the way through one on a connection that is open. Opens none itself, and does no TLS. */
import { EXIT, PortailError } from "../command/errors.ts";
import { Http2Connect } from "../session/http2-connect.ts";
import type { ProxyCredentials, ProxyFault, ProxyTarget } from "../session/outbound-proxy.ts";
import type { Preface } from "../session/preface.ts";
import { beginDialogue, type ProxyDialogue } from "../session/proxy-dialogue.ts";
import { canonicalHost } from "../wire/host.ts";
import type { Conn, Early } from "./conn.ts";
import type { Deadlines } from "./deadlines.ts";
import { DialError, type DialFailure } from "./dial.ts";
import { formatHostPort } from "./endpoint.ts";
import { runPreface } from "./preface.ts";

const SCHEMES = {
  http: { protocol: "http", tls: false, port: 80 },
  https: { protocol: "http", tls: true, port: 443 },
  /** HTTP/2 in the clear, by prior knowledge. */
  h2c: { protocol: "http", tls: false, port: 80 },
  socks5: { protocol: "socks5", tls: false, port: 1080 },
  socks5h: { protocol: "socks5", tls: false, port: 1080 },
  "socks5+tls": { protocol: "socks5", tls: true, port: 1080 },
} as const;

/** A proxy and how to speak to it. Its credentials are seen by nobody but the proxy. */
export class OutboundProxy {
  readonly protocol: "http" | "socks5";
  /** Whether it is spoken to over TLS. */
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly #scheme: keyof typeof SCHEMES;
  readonly #credentials: ProxyCredentials | undefined;

  constructor(scheme: keyof typeof SCHEMES, host: string, port: number, credentials: ProxyCredentials | undefined) {
    const { protocol, tls } = SCHEMES[scheme];
    this.protocol = protocol;
    this.tls = tls;
    this.host = host;
    this.port = port;
    this.#scheme = scheme === "socks5h" ? "socks5" : scheme;
    this.#credentials = credentials;
  }

  /** Whether it is known to speak HTTP/2. */
  get isHttp2(): boolean {
    return this.#scheme === "h2c";
  }

  /** The dialogue that leads to `target`, for nobody but whoever has it with the proxy. */
  dialogue(target: ProxyTarget): ProxyDialogue {
    return { protocol: this.protocol, target, credentials: this.#credentials };
  }

  /** The same, begun. */
  preface(target: ProxyTarget): Preface<undefined, ProxyFault> {
    return beginDialogue(this.dialogue(target));
  }

  /** The same over HTTP/2; of HTTP proxies only. */
  http2Connect(target: ProxyTarget): Http2Connect {
    return new Http2Connect(target, this.#credentials);
  }

  /** The same, spoken to with other credentials. */
  withCredentials(credentials: ProxyCredentials): OutboundProxy {
    return new OutboundProxy(this.#scheme, this.host, this.port, credentials);
  }

  /** Its URL without credentials. */
  toString(): string {
    return `${this.#scheme}://${formatHostPort(this.host, this.port)}`;
  }
}

const HINT = "write http://, https://, socks5:// or socks5+tls://, then [USER:PASSWORD@]HOST:PORT";

/**
 * Parses `SCHEME://[USER:PASSWORD@]HOST[:PORT]`; user and password are percent-encoded UTF-8. Ports default to 80, 443 and
 * 1080. `socks5` and `socks5h` are the same: names always go to the proxy unresolved.
 * `http2`: whether `h2c` is known as well. Throws `PortailError` (`proxy.url`), which never repeats the text.
 */
export function parseProxyUrl(text: string, flag: string, { http2 = false } = {}): OutboundProxy {
  const refuse = (why: string, hint = HINT) =>
    new PortailError(`${flag}: ${why}`, { code: "proxy.url", exit: EXIT.usage, hint });
  const [, name, rest] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? [];
  if (name === undefined || rest === undefined) throw refuse("the URL of the proxy has no scheme");
  const scheme = name.toLowerCase();
  if (!isScheme(scheme) || (scheme === "h2c" && !http2))
    throw refuse(`proxies of the scheme ${JSON.stringify(scheme)} are not known`);
  const at = rest.lastIndexOf("@");
  const [, bracketed, plain, digits, more] =
    /^(?:\[([^\]]*)\]|([^[\]:/?#]*))(?::([0-9]{1,5}))?(\/?)$/s.exec(rest.slice(at + 1)) ?? [];
  if (more === undefined) throw refuse("the URL of the proxy does not end in HOST:PORT");
  const { host, error } = canonicalHost(bracketed === undefined ? plain! : `[${bracketed}]`);
  if (error !== undefined) throw refuse(`the URL of the proxy names no host: ${error}`);
  const port = digits === undefined ? SCHEMES[scheme].port : Number(digits);
  if (port < 1 || port > 65_535) throw refuse("the port of the proxy is not from 1 to 65535");
  const credentials = at === -1 ? undefined : parseCredentials(rest.slice(0, at), SCHEMES[scheme].protocol, refuse);
  return new OutboundProxy(scheme, host, port, credentials);
}

function isScheme(scheme: string): scheme is keyof typeof SCHEMES {
  return Object.hasOwn(SCHEMES, scheme);
}

function parseCredentials(
  text: string,
  protocol: OutboundProxy["protocol"],
  refuse: (why: string, hint?: string) => PortailError,
): ProxyCredentials {
  const encode = 'percent-encode "@", ":", "/", "?", "#" and "%" in the user and the password';
  if (/[/?#@]/.test(text)) throw refuse("the credentials of the proxy hold a character that must be encoded", encode);
  const colon = text.indexOf(":");
  const [user, password] = [colon === -1 ? text : text.slice(0, colon), colon === -1 ? "" : text.slice(colon + 1)].map(
    decodePercent,
  );
  if (user === undefined || password === undefined) {
    throw refuse("the credentials of the proxy are not percent-encoded UTF-8", encode);
  }
  if (user === "") throw refuse("the user of the proxy is empty");
  if (protocol === "http" && user.includes(":")) {
    throw refuse("the user of the proxy holds a colon", "HTTP ends the user at its first colon (RFC 7617)");
  }
  if (protocol === "socks5" && (Buffer.byteLength(user) > 255 || Buffer.byteLength(password) > 255)) {
    throw refuse("the credentials of the proxy are too long", "SOCKS5 takes at most 255 bytes each (RFC 1929)");
  }
  return { user, password };
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Why the way through a proxy is closed. */
export class ProxyError extends DialError {
  readonly code: ProxyFault | "timeout" | "closed";

  constructor(code: ProxyError["code"], message: string) {
    super(KINDS[code] ?? "other", message);
    this.code = code;
  }
}

const KINDS: Partial<Record<ProxyError["code"], DialFailure>> = {
  timeout: "timeout",
  proxy_timeout: "timeout",
  proxy_refused: "refused",
  proxy_host_unreachable: "host_unreachable",
  proxy_network_unreachable: "network_unreachable",
};

/**
 * Has `proxy`, to which `conn` is open (over TLS where it asks for that), connect to `target`: a name or an address,
 * which is passed on canonical and unresolved. `early` is what the target has said already. Rejects with `ProxyError`;
 * `conn` is destroyed then.
 */
export async function throughProxy(
  conn: Conn,
  proxy: OutboundProxy,
  target: ProxyTarget,
  deadlines: Deadlines,
): Promise<{ conn: Conn; early: Early }> {
  const { host, error } = canonicalHost(target.host);
  const outcome =
    error === undefined
      ? await runPreface(conn, proxy.preface({ host, port: target.port }), deadlines)
      : ({ ok: false, code: "proxy_failed", reason: `the target is no host: ${error}` } as const);
  if (outcome.ok) return { conn, early: outcome.early };
  conn.destroy();
  const reason = outcome.code === "timeout" ? "no answer in time" : outcome.reason;
  throw new ProxyError(outcome.code, `${proxy.toString()}: ${reason}`);
}
