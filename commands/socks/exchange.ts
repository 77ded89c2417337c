/** One forwarded request and its answer, over an upstream connection of its own. What may go out was decided before. */
import { request as openRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { ConnDuplex } from "../../lib/net/duplex.ts";
import { Watch, type WatchLimits } from "../../lib/net/watch.ts";
import { answerRefusal, type RefusalAnswer } from "../../lib/session/http-refusal.ts";
import {
  asSent,
  framingOf,
  pairs,
  requestFields,
  responseFields,
  type Field,
  type ForwardTarget,
} from "../../lib/wire/http-forward.ts";
import type { Passage } from "./passage.ts";

/** The client's side. */
interface Asking {
  req: IncomingMessage;
  res: ServerResponse;
  target: ForwardTarget;
  /** Whether the client was ended by us. */
  wasCut(): boolean;
}

/** Sends the request on and the answer back, and closes `passage` when its connection is gone. */
export function exchange(asking: Asking, passage: Passage, limits: WatchLimits): void {
  const { req, res } = asking;
  const { upstream } = passage;
  const socket = new ConnDuplex(upstream);
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
    refuse(res, answerRefusal("bad_request", "the request cannot be passed on as it is"));
    return;
  }
  /** The upstream did not keep to its protocol, or broke off: an answer that has begun is cut, so that it looks it. */
  const broken = (error: Error) => {
    end("upstream", error);
    if (res.headersSent) res.destroy();
    else refuse(res, answerRefusal("failed", `the answer of ${asking.target.authority} is not to be used`));
  };
  outgoing.on("error", broken);
  outgoing.on("continue", () => {
    if (req.httpVersion !== "1.0") res.writeContinue();
  });
  // Nobody asked for another protocol: Upgrade was not passed on.
  outgoing.on("upgrade", () => broken(new Error("the answer is another protocol")));
  outgoing.on("response", (incoming) => {
    answer = incoming;
    const fields = pairs(incoming.rawHeaders.map(asSent));
    if (framingOf(fields) === "unknown") return broken(new Error("a transfer coding other than chunked"));
    incoming.on("aborted", () => broken(new Error("the answer broke off")));
    incoming.on("error", broken);
    try {
      res.writeHead(incoming.statusCode!, phraseOf(incoming), responseHeaders(fields, req));
    } catch (error) {
      // node:http writes no status below 100 and no field with a control character.
      return broken(error as Error);
    }
    incoming.pipe(res);
  });
  res.on("close", () => {
    if (!res.writableFinished) end(asking.wasCut() ? "cut" : "client");
    outgoing.destroy();
    socket.destroy();
  });
  req.on("error", () => outgoing.destroy());
  req.pipe(outgoing);
}

/** Undefined where node:http would not write such a target or field. */
function openOutgoing(asking: Asking, socket: ConnDuplex): ClientRequest | undefined {
  try {
    return openRequest({
      method: asking.req.method,
      path: asking.target.rest,
      headers: requestHeaders(asking) as never,
      setHost: false,
      createConnection: () => socket as never,
    });
  } catch {
    return undefined;
  }
}

/** The reason phrase means nothing to programs (RFC 9112 section 4); one that cannot be written is left out. */
function phraseOf({ statusMessage }: IncomingMessage): string {
  const phrase = asSent(statusMessage ?? "");
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(phrase) ? phrase : "";
}

const CHUNKED: Field = ["Transfer-Encoding", "chunked"];

function requestHeaders({ req, target }: Asking): string[] {
  const fields = pairs(req.rawHeaders);
  const kept = requestFields(fields).filter(([name]) => name.toLowerCase() !== "host");
  const framing = framingOf(fields) === "chunked" ? [CHUNKED] : [];
  return [["Host", target.authority], ...kept, ...framing, ["Connection", "close"]].flat();
}

/** HTTP/1.0 knows no chunks: there the end of the connection is the end of the content. */
function responseHeaders(fields: readonly Field[], { method, httpVersion }: IncomingMessage): string[] {
  const chunks = framingOf(fields) === "chunked" && method !== "HEAD" && httpVersion !== "1.0";
  return [...responseFields(fields), ...(chunks ? [CHUNKED] : [])].flat();
}

/** Answers in the upstream's place. */
export function refuse(res: ServerResponse, { status, phrase, headers, body }: RefusalAnswer): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, phrase, headers);
  res.end(body);
}
