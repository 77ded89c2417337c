/** The key by which a PostgreSQL session can be cancelled (its documentation, "Canceling Requests in Progress"): given by the server, sent by the client. */
import { bad, MORE, type Decoded } from "../wire/decode.ts";
import { decodeStartup } from "../wire/postgres.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

const BACKEND_KEY_DATA = 0x4b;
const READY_FOR_QUERY = 0x5a;
const ERROR = 0x45;
/** Bytes that a server says before it is ready, and then some. */
const MOST_BEFORE_READY = 64 * 1024;
/** Length and code of a CancelRequest. */
const HEAD = 8;

/** Process id and secret of a session, as one text. */
export type CancelKey = string;

/** Reads along with what a server says, until the key has come or it is clear that none will. */
export class CancelKeyScan {
  #held: Uint8Array = new Uint8Array(0);
  #seen = 0;
  over = false;
  key: CancelKey | undefined;

  read(chunk: Uint8Array): void {
    if (this.over) return;
    this.#seen += chunk.length;
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (!this.over && this.#held.length >= 5) {
      const size = 1 + Buffer.from(this.#held.subarray(1, 5)).readUInt32BE();
      const type = this.#held[0];
      if (size < 5 || type === READY_FOR_QUERY || type === ERROR) this.over = true;
      else if (this.#held.length < size) break;
      else {
        if (type === BACKEND_KEY_DATA) this.#take(this.#held.subarray(5, size));
        this.#held = this.#held.subarray(size);
      }
    }
    if (this.#seen > MOST_BEFORE_READY) this.over = true;
    if (this.over) this.#held = new Uint8Array(0);
  }

  #take(bytes: Uint8Array): void {
    this.key = keyOf(bytes);
    this.over = true;
  }
}

function keyOf(bytes: Uint8Array): CancelKey {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Decodes a whole CancelRequest. */
export function decodeCancelRequest(bytes: Uint8Array): Decoded<CancelKey> {
  const startup = decodeStartup(bytes);
  if (startup.kind !== "ok") return startup;
  if (startup.value !== "cancel_request") return bad("this is no CancelRequest");
  const length = bytes[2]! * 256 + bytes[3]!;
  if (bytes.length < length) return MORE;
  return { kind: "ok", value: keyOf(bytes.subarray(HEAD, length)), length };
}

type Step = Exclude<PrefaceStep<CancelKey, "postgres_malformed">, { type: "send" }>;

/** Comes to the key of a CancelRequest; all that was read is behind it. */
export class CancelReader implements Preface<CancelKey, "postgres_malformed"> {
  readonly #prefix = new Prefix();

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    const held = this.#prefix.append(bytes);
    const decoded = decodeCancelRequest(held);
    if (decoded.kind === "more") return [];
    if (decoded.kind === "bad") return [{ type: "fail", code: "postgres_malformed", reason: decoded.reason }];
    return [{ type: "done", value: decoded.value, rest: held }];
  }

  ended(): Step {
    return { type: "fail", code: "postgres_malformed", reason: "the client left in the middle of its request" };
  }
}

/** Comes to the key of a CancelRequest, or to undefined for whatever else a client begins with; all that was read is behind it. */
export class StartupReader implements Preface<CancelKey | undefined, never> {
  readonly #prefix = new Prefix();

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): PrefaceStep<CancelKey | undefined, never>[] {
    const held = this.#prefix.append(bytes);
    const decoded = decodeCancelRequest(held);
    if (decoded.kind === "more") return [];
    return [{ type: "done", value: decoded.kind === "ok" ? decoded.value : undefined, rest: held }];
  }

  ended(): { type: "done"; value: undefined; rest: Uint8Array } {
    return { type: "done", value: undefined, rest: this.#prefix.bytes };
  }
}
