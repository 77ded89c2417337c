/** Where a Redis server is, by its URL, and the way to it: dialled, over TLS where the URL says so, as whoever it names. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { Trust } from "../identity/trust.ts";
import { canonicalHost } from "../wire/host.ts";
import { parseIp } from "../wire/ip.ts";
import type { Conn } from "./conn.ts";
import { Deadlines } from "./deadlines.ts";
import { DialError, Dialer } from "./dial.ts";
import { formatHostPort } from "./endpoint.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { RedisError, RedisPool, type RedisTimes } from "./redis.ts";
import type { Resolve } from "./resolve.ts";
import { secureHost } from "./secure-host.ts";
import { Target } from "./target.ts";
import { createContext } from "./tls-context.ts";

/** Its credentials are seen by nobody but the server. */
export class RedisEndpoint {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly #greeting: readonly (readonly string[])[];

  constructor(tls: boolean, host: string, port: number, greeting: readonly (readonly string[])[]) {
    this.tls = tls;
    this.host = host;
    this.port = port;
    this.#greeting = greeting;
  }

  /** `trust` is asked for where it is spoken to over TLS. */
  open(tools: RedisTools): RedisPool {
    const { times, most } = tools;
    return new RedisPool({ open: opener(this, tools), greeting: this.#greeting, times, most });
  }

  /** Its URL without credentials. */
  toString(): string {
    return `${this.tls ? "rediss" : "redis"}://${formatHostPort(this.host, this.port)}`;
  }
}

export interface RedisTools {
  readonly resolve: Resolve;
  readonly keepAlive: KeepAlive;
  readonly trust: Trust | undefined;
  readonly times: RedisTimes;
  /** Connections at a time. */
  readonly most: number;
}

/**
 * Parses `redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DB]`; user and password are percent-encoded UTF-8. Throws `PortailError`
 * (`redis.url`), which never repeats the text.
 */
export function parseRedisUrl(text: string, flag: string): RedisEndpoint {
  const refuse = (why: string) =>
    new PortailError(`${flag}: ${why}`, {
      code: "redis.url",
      exit: EXIT.usage,
      hint: "write redis://HOST[:PORT][/DB] or rediss://…, with USER:PASSWORD@ in front of HOST where one is asked for",
    });
  const [, scheme, rest] = /^(rediss?):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) throw refuse("the URL does not begin with redis:// or rediss://");
  const at = rest.lastIndexOf("@");
  const [, bracketed, plain = "", digits, db = "0"] =
    /^(?:\[([^\]]*)\]|([^[\]:/?#]*))(?::([0-9]{1,5}))?(?:\/([0-9]{1,5})?)?$/.exec(rest.slice(at + 1)) ?? [];
  const { host, error } = canonicalHost(bracketed === undefined ? plain : `[${bracketed}]`);
  if (error !== undefined) throw refuse("the URL does not name HOST[:PORT][/DB]");
  const port = digits === undefined ? 6379 : Number(digits);
  if (port < 1 || port > 65_535) throw refuse("the port is not from 1 to 65535");
  const login = at === -1 ? undefined : loginOf(rest.slice(0, at));
  if (at !== -1 && login === undefined) throw refuse("user and password are not percent-encoded");
  const select = Number(db) === 0 ? [] : [["SELECT", String(Number(db))]];
  return new RedisEndpoint(scheme === "rediss", host, port, [...(login === undefined ? [] : [login]), ...select]);
}

/** AUTH with one word is the default user's (Redis before 6 knows no other). */
function loginOf(text: string): string[] | undefined {
  if (/[/?#@]/.test(text)) return undefined;
  const colon = text.indexOf(":");
  if (colon === -1) return undefined;
  try {
    const user = decodeURIComponent(text.slice(0, colon));
    const password = decodeURIComponent(text.slice(colon + 1));
    return user === "" ? ["AUTH", password] : ["AUTH", user, password];
  } catch {
    return undefined;
  }
}

function opener(endpoint: RedisEndpoint, { resolve, keepAlive, trust, times }: RedisTools): () => Promise<Conn> {
  const { tls, host, port } = endpoint;
  const dialer = new Dialer(times.create, keepAlive);
  const target = new Target({ kind: "tcp", host, port }, { dialer, resolve });
  const options = tls && {
    context: createContext({ ca: trust?.ca, crl: trust?.crl }),
    requestCert: true,
    verify: true,
    protocolIds: [],
    serverName: parseIp(host) === undefined ? host : undefined,
    deadlines: new Deadlines(times.create),
    keepAlive,
  };
  return async () => {
    const conn = await target.open();
    if (conn instanceof DialError) throw new RedisError("unreachable", `Redis is not reached: ${conn.message}`);
    if (options === false) return conn;
    const secured = await secureHost(conn, host, options, trust);
    if ("reason" in secured) throw new RedisError("unreachable", `no TLS with Redis: ${secured.message}`);
    return secured;
  };
}
