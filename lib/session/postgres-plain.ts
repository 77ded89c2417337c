/** A PostgreSQL client that is to go on without TLS: told that there is none where it would rather have some. Bytes in, steps out. */
import { decodeStartup, DENIED } from "../wire/postgres.ts";
import type { PostgresFault } from "./postgres-starttls.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

/** Done when the session itself begins, which is the rest. */
export class PostgresPlain implements Preface<undefined, PostgresFault> {
  readonly #prefix = new Prefix();
  readonly #denied = new Set<string>();

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): PrefaceStep<undefined, PostgresFault>[] {
    const held = this.#prefix.append(bytes);
    const decoded = decodeStartup(held);
    if (decoded.kind === "more") return [];
    if (decoded.kind === "bad") return [fail(decoded.reason)];
    const { value } = decoded;
    if (value === "startup" || value === "cancel_request") return [{ type: "done", value: undefined, rest: held }];
    if (value === "tls") return [fail("the client begins with TLS of its own")];
    if (held.length > decoded.length || this.#denied.has(value)) return [fail("the client asks for encryption again")];
    this.#denied.add(value);
    this.#prefix.rest(decoded.length);
    return [{ type: "send", bytes: DENIED }];
  }

  ended(): Exclude<PrefaceStep<undefined, PostgresFault>, { type: "send" }> {
    return fail("the client ended the connection before its session");
  }
}

function fail(reason: string): { type: "fail"; code: "postgres_malformed"; reason: string } {
  return { type: "fail", code: "postgres_malformed", reason };
}
