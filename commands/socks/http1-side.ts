/** The client's side of a forwarded exchange over HTTP/1: node:http writes the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { RefusalAnswer } from "../../lib/session/http-refusal.ts";
import { framingOf, responseFields, type Field } from "../../lib/wire/http-forward.ts";
import type { ClientSide } from "./exchange.ts";

export class Http1Side implements ClientSide {
  readonly content: IncomingMessage;
  readonly #res: ServerResponse;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.content = req;
    this.#res = res;
  }

  get begun(): boolean {
    return this.#res.headersSent;
  }

  goOn(): void {
    if (this.content.httpVersion !== "1.0") this.#res.writeContinue();
  }

  /** node:http throws for a status below 100 and for fields with control characters. */
  answer(status: number, phrase: string, fields: readonly Field[]): Writable {
    return this.#res.writeHead(status, phrase, responseHeaders(fields, this.content));
  }

  refuse({ status, phrase, headers, body }: RefusalAnswer): void {
    const res = this.#res;
    if (res.headersSent || res.destroyed) return;
    res.writeHead(status, phrase, headers);
    res.end(body);
  }

  abort(): void {
    this.#res.destroy();
  }

  onClose(told: (whole: boolean) => void): void {
    this.#res.on("close", () => told(this.#res.writableFinished));
  }
}

/** HTTP/1.0 knows no chunks: there the end of the connection is the end of the content. */
function responseHeaders(fields: readonly Field[], { method, httpVersion }: IncomingMessage): string[] {
  const chunks = framingOf(fields) === "chunked" && method !== "HEAD" && httpVersion !== "1.0";
  return [...responseFields(fields), ...(chunks ? [["Transfer-Encoding", "chunked"]] : [])].flat();
}
