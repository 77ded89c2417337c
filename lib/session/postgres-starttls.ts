/** How a PostgreSQL connection comes to TLS, seen by the server and by the client: bytes in, steps out. Does no TLS. */
import {
  decodeSslAnswer,
  decodeStartup,
  DENIED,
  encodeFatal,
  GRANTED,
  SSL_REQUEST,
  type Startup,
} from "../wire/postgres.ts";
import { NOTHING } from "./front.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

export type PostgresFault =
  /** The session, or the cancellation of a query, was to run in the clear. */
  | "postgres_plaintext"
  /** Bytes came before TLS that could have passed for bytes within it (CVE-2021-23214, CVE-2021-23222). */
  | "postgres_pipelined"
  | "postgres_malformed"
  /** Of the client's side: the server grants no TLS, or reports an error. */
  | "postgres_refused"
  | "postgres_error";

type Failure = Extract<PrefaceStep<never, PostgresFault>, { type: "fail" }>;

/** How the client came to TLS. One that did not ask must negotiate the protocol id `postgresql`, or is to be refused. */
interface PostgresTls {
  direct: boolean;
}

const TLS_REQUIRED = encodeFatal("28000", "this server takes connections over TLS only (sslmode=require)");
const PIPELINED = encodeFatal("08P01", "data was sent before TLS was established");

/** The server's side: grants TLS, denies GSSAPI encryption, and takes no session without TLS. */
export class PostgresServer implements Preface<PostgresTls, PostgresFault> {
  readonly #prefix = new Prefix();
  #denied = false;
  #over = false;

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): PrefaceStep<PostgresTls, PostgresFault>[] {
    if (this.#over) return [];
    const decoded = decodeStartup(this.#prefix.append(bytes));
    if (decoded.kind === "more") return [];
    if (decoded.kind === "bad") return this.#end(fail("postgres_malformed", decoded.reason));
    const rest = this.#prefix.rest(decoded.length);
    switch (decoded.value) {
      case "tls":
        return this.#end(
          this.#denied
            ? fail("postgres_malformed", "TLS begins unasked after another request")
            : { type: "done", value: { direct: true }, rest },
        );
      case "startup":
        return this.#end(fail("postgres_plaintext", "the client asks for a session without TLS", TLS_REQUIRED));
      case "cancel_request":
        return this.#end(fail("postgres_plaintext", "the client cancels a query without TLS"));
      default:
        return this.#request(decoded.value, rest);
    }
  }

  #request(request: Startup, rest: Uint8Array): PrefaceStep<PostgresTls, PostgresFault>[] {
    if (rest.length > 0) {
      return this.#end(fail("postgres_pipelined", "the client sent more than its request before TLS", PIPELINED));
    }
    if (request === "ssl_request") {
      const done = { type: "done", value: { direct: false }, rest: NOTHING } as const;
      return [{ type: "send", bytes: GRANTED }, ...this.#end(done)];
    }
    if (this.#denied) return this.#end(fail("postgres_malformed", "the client asks for GSSAPI encryption again"));
    this.#denied = true;
    return [{ type: "send", bytes: DENIED }];
  }

  #end<S>(step: S): S[] {
    this.#over = true;
    return [step];
  }

  ended(): Failure {
    return fail("postgres_malformed", "the client ended the connection before TLS");
  }
}

/** The client's side: asks for TLS and takes nothing but a yes. */
export class PostgresClient implements Preface<undefined, PostgresFault> {
  readonly #prefix = new Prefix();
  #over = false;

  start(): PrefaceStep<undefined, PostgresFault>[] {
    return [{ type: "send", bytes: SSL_REQUEST }];
  }

  receive(bytes: Uint8Array): PrefaceStep<undefined, PostgresFault>[] {
    if (this.#over) return [];
    const held = this.#prefix.append(bytes);
    const decoded = decodeSslAnswer(held);
    if (decoded.kind === "more") return [];
    this.#over = true;
    if (decoded.kind === "bad")
      return [fail("postgres_malformed", `the server does not speak PostgreSQL: ${decoded.reason}`)];
    const answer = decoded.value;
    if (answer.type === "denied") return [fail("postgres_refused", "the server grants no TLS")];
    // Quoted: it came in the clear, from anybody.
    if (answer.type === "error")
      return [fail("postgres_error", `the server answered ${JSON.stringify(answer.message)}`)];
    if (held.length > 1) return [fail("postgres_pipelined", "the server sent more than its answer before TLS")];
    return [{ type: "done", value: undefined, rest: NOTHING }];
  }

  ended(): Failure {
    return fail("postgres_malformed", "the server ended the connection before it answered");
  }
}

function fail(code: PostgresFault, reason: string, bytes?: Uint8Array): Failure {
  return { type: "fail", code, reason, ...(bytes && { bytes }) };
}
