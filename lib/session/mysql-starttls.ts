/** How a MySQL client that knows no TLS comes to a server over TLS: what is taken from one side and said to the other. Bytes in, steps out; does no TLS. */
import {
  decodeGreeting,
  decodePacket,
  decodeResponse,
  encodePacket,
  endsAuthentication,
  type Packet,
} from "../wire/mysql.ts";
import { NOTHING } from "./front.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

type MysqlFault =
  | "mysql_malformed"
  /** Bytes came before TLS that could have passed for bytes within it. */
  | "mysql_pipelined"
  /** The server offers no TLS, or reports an error. */
  | "mysql_refused"
  | "mysql_error";

type Step<T> = PrefaceStep<T, MysqlFault>;
type Failure = Extract<Step<never>, { type: "fail" }>;

/** One packet of a peer, and what it means. */
abstract class OnePacket<T> implements Preface<T, MysqlFault> {
  readonly #prefix = new Prefix();
  readonly #peer: "server" | "client";
  #over = false;

  constructor(peer: "server" | "client") {
    this.#peer = peer;
  }

  start(): Step<T>[] {
    return [];
  }

  receive(bytes: Uint8Array): Step<T>[] {
    if (this.#over) return [];
    const packet = decodePacket(this.#prefix.append(bytes));
    if (packet.kind === "more") return [];
    this.#over = true;
    if (packet.kind === "bad") return [this.malformed(packet.reason)];
    return [this.read(packet.value, this.#prefix.rest(packet.length))];
  }

  ended(): Exclude<Step<T>, { type: "send" }> {
    return fail("mysql_malformed", `the ${this.#peer} ended the connection before its first packet`);
  }

  protected abstract read(packet: Packet, rest: Uint8Array): Step<T>;

  protected malformed(reason: string): Failure {
    return fail("mysql_malformed", `the ${this.#peer} does not speak MySQL: ${reason}`);
  }
}

/** Reads the server's greeting: the value is the same for a client, without the offer of TLS. */
export class MysqlGreeting extends OnePacket<Uint8Array> {
  constructor() {
    super("server");
  }

  protected read(packet: Packet, rest: Uint8Array): Step<Uint8Array> {
    const greeting = decodeGreeting(packet);
    if (greeting.type === "bad") return this.malformed(greeting.reason);
    // Quoted: it came in the clear, from anybody.
    if (greeting.type === "error")
      return fail("mysql_error", `the server answered ${JSON.stringify(greeting.message)}`);
    if (rest.length > 0) return fail("mysql_pipelined", "the server sent more than its greeting");
    if (!greeting.offersTls) return fail("mysql_refused", "the server offers no TLS");
    return { type: "done", value: greeting.withoutTls, rest: NOTHING };
  }
}

export interface MysqlResponse {
  /** For the server before TLS, and as the first bytes within. */
  sslRequest: Uint8Array;
  secured: Uint8Array;
}

/** Gives a client its greeting, and reads what it answers. */
export class MysqlClient extends OnePacket<MysqlResponse> {
  readonly #greeting: Uint8Array;

  constructor(greeting: Uint8Array) {
    super("client");
    this.#greeting = greeting;
  }

  override start(): Step<MysqlResponse>[] {
    return [{ type: "send", bytes: this.#greeting }];
  }

  protected read(packet: Packet, rest: Uint8Array): Step<MysqlResponse> {
    const response = decodeResponse(packet);
    if (response.type === "bad") return this.malformed(response.reason);
    const { sslRequest, secured } = response;
    return { type: "done", value: { sslRequest, secured }, rest };
  }
}

export type AuthStep = { type: "bad"; reason: string } | { type: "ok"; bytes: Uint8Array; over: boolean };

/**
 * The packets of an authentication, numbered anew: TLS took one that the client does not know of. Each side has one of
 * these, `shift` is what its numbers change by. Of the server's side `over` says that commands follow, whose numbers begin
 * again; what comes behind then is passed as it is.
 */
export class Renumbering {
  readonly #shift: 1 | -1;
  readonly #prefix = new Prefix();

  constructor(from: "client" | "server") {
    this.#shift = from === "client" ? 1 : -1;
  }

  /** Bytes that make no whole packet yet. */
  get held(): Uint8Array {
    return this.#prefix.bytes;
  }

  receive(bytes: Uint8Array): AuthStep {
    const out: Uint8Array[] = [];
    let held = this.#prefix.append(bytes);
    for (;;) {
      const packet = decodePacket(held);
      if (packet.kind === "bad") return { type: "bad", reason: packet.reason };
      if (packet.kind === "more") return { type: "ok", bytes: Buffer.concat(out), over: false };
      const { number, payload } = packet.value;
      out.push(encodePacket({ number: number + this.#shift, payload }));
      const over = this.#shift === -1 && endsAuthentication(packet.value);
      const rest = this.#prefix.rest(packet.length);
      if (over) return { type: "ok", bytes: Buffer.concat([...out, rest]), over };
      held = this.#prefix.append(rest);
    }
  }
}

function fail(code: MysqlFault, reason: string): Failure {
  return { type: "fail", code, reason };
}
