/** How a client begins: what it speaks, and its hello where that is TLS, read in one go since most send all of it at once. Answers nothing. */
import type { ClientHello } from "../wire/client-hello.ts";
import { HelloReader, type HelloReadFault } from "./client-hello.ts";
import { FirstBytesReader, type Expected, type FirstBytes, type FirstBytesFault } from "./first-bytes.ts";
import type { Preface, PrefaceStep } from "./preface.ts";

export interface Opening {
  found: FirstBytes;
  /** Of TLS. */
  hello: ClientHello | undefined;
}

type Code = FirstBytesFault | HelloReadFault;
type Step = Exclude<PrefaceStep<Opening, Code>, { type: "send" }>;

/** Comes to the opening; all that was read is behind it. */
export class OpeningReader implements Preface<Opening, Code> {
  readonly #first: FirstBytesReader;
  readonly #limit: number;
  #hello: HelloReader | undefined;

  /** `limit` is the most bytes of a hello. */
  constructor(expected: Expected, limit: number) {
    this.#first = new FirstBytesReader(expected);
    this.#limit = limit;
  }

  /** Whether nothing at all has come. */
  get silent(): boolean {
    return this.#first.silent;
  }

  /** Whether a hello has begun. */
  get inHello(): boolean {
    return this.#hello !== undefined;
  }

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#hello !== undefined) return this.#read(this.#hello, bytes);
    const [step] = this.#first.receive(bytes);
    if (step === undefined) return [];
    if (step.type === "fail") return [step];
    const found = step.value;
    if (!("name" in found) || found.name !== "tls")
      return [{ type: "done", value: { found, hello: undefined }, rest: step.rest }];
    this.#hello = new HelloReader(this.#limit);
    return this.#read(this.#hello, step.rest);
  }

  ended(): Step {
    if (this.#hello !== undefined) return this.#hello.ended() as Extract<Step, { type: "fail" }>;
    const step = this.#first.ended();
    if (step.type === "fail") return step;
    return { type: "done", value: { found: step.value, hello: undefined }, rest: step.rest };
  }

  #read(reader: HelloReader, bytes: Uint8Array): Step[] {
    const [step] = reader.receive(bytes);
    if (step === undefined) return [];
    if (step.type === "fail") return [step];
    return [{ type: "done", value: { found: { name: "tls" }, hello: step.value }, rest: step.rest }];
  }
}
