/** A PostgreSQL client that is to go on without TLS: told that there is none where it would rather have some. Bytes in, steps out. */
import { decodeStartup, DENIED } from "../wire/postgres.ts";
import type { PostgresFault } from "./postgres-starttls.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

/** Done when the session itself begins, which is the rest. */
export class PostgresPlain implements Preface<undefined, PostgresFault> {
  readonly #prefix = new Prefix();
  readonly #denied = new Set<string>();
  #over = false;

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): PrefaceStep<undefined, PostgresFault>[] {
    if (this.#over) return [];
    const held = this.#prefix.append(bytes);
    const decoded = decodeStartup(held);
    if (decoded.kind === "more") return [];
    if (decoded.kind === "bad") return this.#end(fail(decoded.reason));
    const { value } = decoded;
    if (value === "startup" || value === "cancel_request")
      return this.#end({ type: "done", value: undefined, rest: held });
    if (value === "tls") return this.#end(fail("the client begins with TLS of its own"));
    if (held.length > decoded.length)
      return this.#end(fail("the client sent more than its request", "postgres_pipelined"));
    if (this.#denied.has(value)) return this.#end(fail("the client asks for encryption again"));
    this.#denied.add(value);
    this.#prefix.rest(decoded.length);
    return [{ type: "send", bytes: DENIED }];
  }

  #end<S>(step: S): S[] {
    this.#over = true;
    return [step];
  }

  ended(): Failure {
    return fail("the client ended the connection before its session");
  }
}

type Failure = Extract<PrefaceStep<never, PostgresFault>, { type: "fail" }>;

function fail(reason: string, code: PostgresFault = "postgres_malformed"): Failure {
  return { type: "fail", code, reason };
}
