/** Reads a client's hello and leaves its bytes where they are, for whoever answers it. Makes no TLS. */
import type { ClientHello, HelloFault } from "../wire/client-hello.ts";
import { HelloRecords } from "../wire/hello-records.ts";
import { encodeAlert, FAULT_ALERTS } from "../wire/tls-alert.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

export type HelloReadFault = HelloFault | "hello_cut";

type Step = Exclude<PrefaceStep<ClientHello, HelloReadFault>, { type: "send" }>;

/** Comes to the hello; all that was read is behind it, the hello first. */
export class HelloReader implements Preface<ClientHello, HelloReadFault> {
  readonly #prefix = new Prefix();
  readonly #records: HelloRecords;
  #over = false;

  /** `limit` is the most bytes of a hello. */
  constructor(limit?: number) {
    this.#records = new HelloRecords(limit);
  }

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#over || bytes.length === 0) return [];
    const held = this.#prefix.append(bytes);
    const answer = this.#records.read(held);
    if (answer.kind === "more") return [];
    this.#over = true;
    if (answer.kind === "ok") return [{ type: "done", value: answer.value, rest: held }];
    const alert = FAULT_ALERTS[answer.code];
    const { code, reason } = answer;
    return [{ type: "fail", code, reason, ...(alert && { bytes: encodeAlert(alert) }) }];
  }

  ended(): Step {
    return { type: "fail", code: "hello_cut", reason: "the client left in the middle of its hello" };
  }
}
