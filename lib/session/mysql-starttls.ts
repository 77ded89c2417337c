/** How a MySQL client that knows no TLS comes to a server over TLS: what is taken from one side and said to the other. Bytes in, steps out; does no TLS. */
import {
  decodeGreeting,
  decodePacket,
  decodeResponse,
  encodeKey,
  encodePacket,
  endsAuthentication,
  switchedScramble,
  wantsKey,
  wantsPassword,
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

export interface Greeted {
  /** The greeting for a client, without the offer of TLS. */
  bytes: Uint8Array;
  scramble: Uint8Array;
}

/** Reads the server's greeting. */
export class MysqlGreeting extends OnePacket<Greeted> {
  constructor() {
    super("server");
  }

  protected read(packet: Packet, rest: Uint8Array): Step<Greeted> {
    const greeting = decodeGreeting(packet);
    if (greeting.type === "bad") return this.malformed(greeting.reason);
    // Quoted: it came in the clear, from anybody.
    if (greeting.type === "error")
      return fail("mysql_error", `the server answered ${JSON.stringify(greeting.message)}`);
    if (rest.length > 0) return fail("mysql_pipelined", "the server sent more than its greeting");
    if (!greeting.offersTls) return fail("mysql_refused", "the server offers no TLS");
    return { type: "done", value: { bytes: greeting.withoutTls, scramble: greeting.scramble }, rest: NOTHING };
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

/** To which a client without TLS encrypts its password. */
export interface PasswordKey {
  /** The public key in PEM. */
  pem: Uint8Array;
  /** What was encrypted to it; undefined for anything else. */
  open(encrypted: Uint8Array): Uint8Array | undefined;
}

export type AuthStep =
  | { type: "bad"; reason: string }
  /** `over`: commands follow, whose numbers begin again; what came behind is passed as it is. */
  | { type: "ok"; toServer: Uint8Array; toClient: Uint8Array; over: boolean };

/**
 * An authentication between a client in the clear and its server over TLS. Packets are numbered anew, since TLS took one that
 * the client does not know of. Where the server asks for the password itself (caching_sha2_password), it wants it over TLS as
 * it is, while the client asks for a key: it gets ours, and the server what the client has encrypted to it.
 */
export class MysqlAuthentication {
  readonly #key: PasswordKey;
  readonly #fromClient = new Prefix();
  readonly #fromServer = new Prefix();
  #scramble: Uint8Array;
  /** What a client's numbers grow by on the way to the server. */
  #shift = 1;
  #password: "not asked for" | "asked for" | "to be encrypted" = "not asked for";

  constructor(scramble: Uint8Array, key: PasswordKey) {
    this.#scramble = scramble;
    this.#key = key;
  }

  /** Bytes of the client that make no whole packet yet. */
  get held(): Uint8Array {
    return this.#fromClient.bytes;
  }

  clientSaid(bytes: Uint8Array): AuthStep {
    return this.#receive(this.#fromClient, bytes, (packet) => this.#ofClient(packet));
  }

  serverSaid(bytes: Uint8Array): AuthStep {
    return this.#receive(this.#fromServer, bytes, (packet) => this.#ofServer(packet));
  }

  #receive(prefix: Prefix, bytes: Uint8Array, take: (packet: Packet) => Answer | string): AuthStep {
    const toServer: Uint8Array[] = [];
    const toClient: Uint8Array[] = [];
    const step = (over: boolean): AuthStep => ({
      type: "ok",
      toServer: Buffer.concat(toServer),
      toClient: Buffer.concat(toClient),
      over,
    });
    let held = prefix.append(bytes);
    for (;;) {
      const packet = decodePacket(held);
      if (packet.kind === "bad") return { type: "bad", reason: packet.reason };
      if (packet.kind === "more") return step(false);
      const answer = take(packet.value);
      if (typeof answer === "string") return { type: "bad", reason: answer };
      const { to, number, payload } = answer;
      (to === "server" ? toServer : toClient).push(encodePacket({ number, payload }));
      const rest = prefix.rest(packet.length);
      if (to === "client" && prefix === this.#fromServer && endsAuthentication(packet.value)) {
        toClient.push(rest);
        return step(true);
      }
      held = prefix.append(rest);
    }
  }

  #ofServer(packet: Packet): Answer {
    const { number, payload } = packet;
    this.#scramble = switchedScramble(packet) ?? this.#scramble;
    this.#password = wantsPassword(packet) ? "asked for" : "not asked for";
    return { to: "client", number: number - this.#shift, payload };
  }

  #ofClient(packet: Packet): Answer | string {
    const { number, payload } = packet;
    const before = this.#password;
    this.#password = before === "asked for" && wantsKey(packet) ? "to be encrypted" : "not asked for";
    if (this.#password === "to be encrypted")
      return { to: "client", number: number + 1, payload: encodeKey(this.#key.pem) };
    if (before !== "to be encrypted") return { to: "server", number: number + this.#shift, payload };
    const masked = this.#key.open(payload);
    if (masked === undefined || this.#scramble.length === 0) return "the client's password is not encrypted to our key";
    // The client has said two things of which the server knows nothing.
    this.#shift -= 2;
    const password = masked.map((byte, i) => byte ^ this.#scramble[i % this.#scramble.length]!);
    return { to: "server", number: number + this.#shift, payload: password };
  }
}

interface Answer extends Packet {
  to: "client" | "server";
}

function fail(code: MysqlFault, reason: string): Failure {
  return { type: "fail", code, reason };
}
