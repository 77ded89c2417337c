/** Which of the protocols that share a port a client speaks, by its first bytes. Consumes nothing, and reads no more than it must. */
import type { Pattern } from "../acl/pattern/pattern.ts";
import { PREFACE } from "../wire/http2.ts";
import { decodeStartup } from "../wire/postgres.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

/** Protocols that are known by themselves. Those of PostgreSQL are its requests: for TLS, for GSSAPI, for a cancellation, for a session. */
export const FIRST_BYTES = [
  "tls",
  "ssh",
  "http",
  "h2",
  "socks5",
  "socks4",
  "postgres-tls",
  "postgres-gssapi",
  "postgres-cancel",
  "postgres-plain",
] as const;

export type FirstBytesName = (typeof FIRST_BYTES)[number];

/** `more` where the bytes can still become one of them, `unknown` where they cannot. */
export type Recognised = FirstBytesName | "more" | "unknown";

/** What is waited for before patterns give up. */
export const MOST_FIRST_BYTES = 1024;

/** Says what the stream is as soon as its first bytes leave no doubt, however they were split. */
export function recogniseFirstBytes(bytes: Uint8Array): Recognised {
  const first = bytes[0];
  if (first === undefined) return "more";
  if (first === 0x16) return "tls";
  if (first === 5) return "socks5";
  if (first === 4) return "socks4";
  if (first === 0) return recogniseStartup(bytes);
  let possible = false;
  for (const [beginning, name] of BEGINNINGS) {
    const length = Math.min(beginning.length, bytes.length);
    if (!startsAlike(bytes, beginning, length)) continue;
    if (length === beginning.length) return name;
    possible = true;
  }
  return possible ? "more" : "unknown";
}

function recogniseStartup(bytes: Uint8Array): Recognised {
  const decoded = decodeStartup(bytes);
  if (decoded.kind === "more") return "more";
  return decoded.kind === "bad" ? "unknown" : STARTUPS[decoded.value];
}

const STARTUPS = {
  tls: "tls",
  ssl_request: "postgres-tls",
  gssenc_request: "postgres-gssapi",
  cancel_request: "postgres-cancel",
  startup: "postgres-plain",
} as const;

/** Methods of HTTP: the registry of IANA, as of RFC 9110. */
const METHODS =
  "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR " +
  "MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH " +
  "TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL";

/** RFC 4253 section 4.2, RFC 9112 section 3, RFC 9113 section 3.4. */
const BEGINNINGS: readonly (readonly [Uint8Array, FirstBytesName])[] = [
  [Buffer.from("SSH-"), "ssh"],
  [PREFACE, "h2"],
  ...METHODS.split(" ").map((method) => [Buffer.from(`${method} `), "http"] as const),
];

function startsAlike(bytes: Uint8Array, beginning: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[i] !== beginning[i]) return false;
  return true;
}

/** What clients may begin with where they are read. */
export interface Expected {
  /** Others are as unknown as what has no name. */
  names: ReadonlySet<FirstBytesName>;
  /** Held in order against what is unknown otherwise, as text of one character a byte. */
  patterns: readonly Pattern[];
}

/** A name, or the place of the pattern that matched. */
export type FirstBytes = { name: FirstBytesName } | { pattern: number };

export type FirstBytesFault =
  /** Nothing that is expected begins so. */
  | "unknown_protocol"
  /** It ended before that was clear. */
  | "no_bytes";

type Step = Exclude<PrefaceStep<FirstBytes, FirstBytesFault>, { type: "send" }>;

/** Comes to what a client speaks; all that was read is behind it. */
export class FirstBytesReader implements Preface<FirstBytes, FirstBytesFault> {
  readonly #expected: Expected;
  readonly #prefix = new Prefix();
  #over = false;

  constructor(expected: Expected) {
    this.#expected = expected;
  }

  /** Whether nothing at all has come. */
  get silent(): boolean {
    return this.#prefix.bytes.length === 0;
  }

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#over || bytes.length === 0) return [];
    const held = this.#prefix.append(bytes);
    const step = this.#judge(held, false);
    this.#over = step !== undefined;
    return step === undefined ? [] : [step];
  }

  ended(): Step {
    const step = this.silent ? undefined : this.#judge(this.#prefix.bytes, true);
    return step ?? { type: "fail", code: "no_bytes", reason: "the client left before it was clear what it speaks" };
  }

  #judge(held: Uint8Array, all: boolean): Step | undefined {
    const { names, patterns } = this.#expected;
    const name = recogniseFirstBytes(held);
    if (name !== "more" && name !== "unknown" && names.has(name)) return { type: "done", value: { name }, rest: held };
    if (name === "more" && !all) return undefined;
    if (patterns.length > 0) {
      const text = Buffer.from(held.buffer, held.byteOffset, Math.min(held.length, MOST_FIRST_BYTES)).toString(
        "latin1",
      );
      const pattern = patterns.findIndex((one) => one.test(text));
      if (pattern !== -1) return { type: "done", value: { pattern }, rest: held };
      if (!all && held.length < MOST_FIRST_BYTES) return undefined;
    }
    return { type: "fail", code: "unknown_protocol", reason: "the client speaks nothing that is expected here" };
  }
}
