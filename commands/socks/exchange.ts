/** One forwarded request and its answer, over an upstream connection of its own. What may go out was decided before. */
import { request as openRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { Readable, Writable } from "node:stream";
import { ConnDuplex } from "../../lib/net/duplex.ts";
import { Watch, type WatchLimits } from "../../lib/net/watch.ts";
import { answerRefusal, type RefusalAnswer } from "../../lib/session/http-refusal.ts";
import {
  asSent,
  framingOf,
  pairs,
  requestFields,
  type Field,
  type ForwardTarget,
} from "../../lib/wire/http-forward.ts";
import type { Passage } from "./passage.ts";

/** A request as HTTP/1.1 states it, and the client that waits for its answer. */
interface Asking {
  method: string;
  target: ForwardTarget;
  fields: readonly Field[];
  /** Of HTTP in front. */
  version: string;
  client: ClientSide;
  /** Whether the client was ended by us. */
  wasCut(): boolean;
}

/** The client's side of an exchange, whatever it speaks. */
export interface ClientSide {
  /** Of the request. */
  readonly content: Readable;
  /** Whether an answer has begun. */
  readonly begun: boolean;
  /** Tells the client to send its content (100). */
  goOn(): void;
  /** Begins the answer; its content is to be written. Throws where such a head cannot be written. */
  answer(status: number, phrase: string, fields: readonly Field[]): Writable;
  /** Answers in the upstream's place, unless an answer has begun. */
  refuse(answer: RefusalAnswer): void;
  /** Breaks off an answer that has begun, so that it looks it. */
  abort(): void;
  /** Once, when nothing more can be said to the client. `whole`: the answer is out, to its end. */
  onClose(told: (whole: boolean, error?: Error) => void): void;
}

/** What is forwarded to nobody, whatever the policy; `target` is undefined where there is none to forward to. */
export function unserved(method: string | undefined, target: ForwardTarget | undefined): RefusalAnswer | undefined {
  // It would give back to a script what the browser keeps from it: cookies and credentials.
  if (method === "TRACE") return answerRefusal("unsupported_command", "TRACE is not forwarded");
  return target === undefined
    ? answerRefusal("bad_request", "a proxy takes http://host/path, or CONNECT host:port for all else")
    : undefined;
}

/** Sends the request on and the answer back, and closes `passage` when its connection is gone. */
export function exchange(asking: Asking, passage: Passage, limits: WatchLimits): void {
  const { client } = asking;
  const { upstream } = passage;
  const socket = new ConnDuplex(upstream);
  // node:http writes a head that goes out ahead of its content without saying that a character is a byte.
  socket.setDefaultEncoding("latin1");
  let reason: string | undefined;
  let failure: string | undefined;
  let answer: IncomingMessage | undefined;
  /** The first reason counts: what follows is its consequence. */
  const end = (why: string, error?: Error) => {
    if (reason === undefined) failure = error?.message;
    reason ??= why;
    socket.destroy();
  };
  const watch = new Watch(limits, () => upstream.received + upstream.sent, end);
  socket.on("error", () => {});
  socket.on("close", () => {
    watch.stop();
    if (!answer?.complete) end("upstream", new Error("the answer broke off"));
    passage.close({ reason: reason ?? "done", sent: upstream.sent, received: upstream.received, error: failure });
  });
  const outgoing = openOutgoing(asking, socket);
  if (outgoing === undefined) {
    end("client", new Error("a request that cannot be written"));
    client.refuse(answerRefusal("bad_request", "the request cannot be passed on as it is"));
    return;
  }
  /** The upstream did not keep to its protocol, or broke off: an answer that has begun is cut, so that it looks it. */
  const broken = (error: Error) => {
    end("upstream", error);
    if (client.begun) client.abort();
    else client.refuse(answerRefusal("failed", `the answer of ${asking.target.authority} is not to be used`));
  };
  outgoing.on("error", broken);
  // Once: an upstream that says it without end holds up nothing.
  outgoing.once("continue", () => client.goOn());
  // Nobody asked for another protocol: Upgrade was not passed on.
  outgoing.on("upgrade", () => broken(new Error("the answer is another protocol")));
  outgoing.on("response", (incoming) => {
    answer = incoming;
    const fields = pairs(incoming.rawHeaders.map(asSent));
    if (framingOf(fields) === "unknown") return broken(new Error("a transfer coding other than chunked"));
    incoming.on("aborted", () => broken(new Error("the answer broke off")));
    incoming.on("error", broken);
    let content: Writable;
    try {
      content = client.answer(incoming.statusCode!, phraseOf(incoming), fields);
    } catch (error) {
      return broken(error as Error);
    }
    incoming.pipe(content);
  });
  client.onClose((whole, error) => {
    if (!whole) end(asking.wasCut() ? "cut" : "client", error);
    outgoing.destroy();
    socket.destroy();
  });
  client.content.on("error", () => outgoing.destroy());
  client.content.pipe(outgoing);
}

/** Undefined where node:http would not write such a target or field. */
function openOutgoing(asking: Asking, socket: ConnDuplex): ClientRequest | undefined {
  try {
    const outgoing = openRequest({
      method: asking.method,
      path: asking.target.rest,
      headers: requestHeaders(asking) as never,
      setHost: false,
      createConnection: () => socket as never,
    });
    // Else the head waits for the content, and a client that waits for the answer before it sends any waits for ever.
    if (hasContent(asking.fields)) outgoing.flushHeaders();
    return outgoing;
  } catch {
    return undefined;
  }
}

/** Also of length 0: its end may be a while in coming. */
function hasContent(fields: readonly Field[]): boolean {
  return framingOf(fields) === "chunked" || fields.some(([name]) => name.toLowerCase() === "content-length");
}

/** The reason phrase means nothing to programs (RFC 9112 section 4); one that cannot be written is left out. */
function phraseOf({ statusMessage }: IncomingMessage): string {
  const phrase = asSent(statusMessage ?? "");
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(phrase) ? phrase : "";
}

const CHUNKED: Field = ["Transfer-Encoding", "chunked"];

function requestHeaders({ fields, target, version }: Asking): string[] {
  const kept = requestFields(fields, version).filter(([name]) => name.toLowerCase() !== "host");
  const framing = framingOf(fields) === "chunked" ? [CHUNKED] : [];
  return [["Host", target.authority], ...kept, ...framing, ["Connection", "close"]].flat();
}
