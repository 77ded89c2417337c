/** An `http://` request that came over HTTP/2: what is asked for, and its exchange in HTTP/1.1. Loaded when the first one comes. */
import { METHODS } from "node:http";
import type { Http2RequestConn } from "../../lib/net/http2-server-conn.ts";
import type { WatchLimits } from "../../lib/net/watch.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import { targetOfRequest, toHttp1Fields } from "../../lib/session/http2-forward.ts";
import { valueOf, type Http2Request } from "../../lib/session/http2-request.ts";
import { answerRefusal, type RefusalAnswer } from "../../lib/session/http-refusal.ts";
import { exchange, unserved } from "./exchange.ts";
import { Http2Side } from "./http2-side.ts";
import type { Passage } from "./passage.ts";

/** HTTP/1.1 takes no others; node:http would write them in upper case, which is not what was decided. */
const FORWARDED: ReadonlySet<string> = new Set(METHODS);

export interface Http2Forward {
  asked: ProxyRequest;
  /** Sends it on once it is allowed. */
  start(passage: Passage, limits: WatchLimits, wasCut: () => boolean): void;
}

/** What is to be decided; or the answer to what is not served. `ended`: there is no content. */
export function toForward(
  stream: Http2RequestConn,
  request: Http2Request,
  ended: boolean,
): Http2Forward | RefusalAnswer {
  const { method } = request;
  const target = targetOfRequest(request);
  const unfit = unserved(method, target);
  if (unfit !== undefined) return unfit;
  if (!FORWARDED.has(method)) return answerRefusal("unsupported_coding", "a method that is not known is not forwarded");
  const { host, port, path, query, authority } = target!;
  const fields = toHttp1Fields(request, authority, ended);
  const http = { method, path, query, headers: () => fields, version: "2" };
  const length = valueOf(request.fields, "content-length");
  return {
    asked: { protocol: "http", host, ip: undefined, port, http },
    start(passage, limits, wasCut) {
      const client = new Http2Side(stream, method, length === undefined ? undefined : Number(length));
      exchange({ method, target: target!, fields, version: "2", client, wasCut }, passage, limits);
    },
  };
}
