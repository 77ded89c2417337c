/** A refusal as the whole answer of one stream of HTTP/2. */
import type { Http2RequestConn } from "../../lib/net/http2-server-conn.ts";
import type { RefusalAnswer } from "../../lib/session/http-refusal.ts";
import type { HeaderField } from "../../lib/wire/hpack.ts";

/** `method` is that of the request: the answer to HEAD has no content. */
export function refuseStream(stream: Http2RequestConn, method: string | undefined, refusal: RefusalAnswer): void {
  const { status, headers, body } = refusal;
  const fields = Object.entries(headers)
    .map(([name, value]): HeaderField => [name.toLowerCase(), value])
    .filter(([name]) => name !== "connection");
  stream.answer([[":status", String(status)], ...fields], Buffer.from(method === "HEAD" ? "" : body));
}
