/** Follows one direction of HTTP/1.1 on a connection: where heads, bodies and messages begin and end. Changes no byte, judges none. */

export interface Head {
  /** The request line or the status line. */
  line: string;
  /** Names in small letters; of a name that is there twice the last value. */
  headers: Record<string, string>;
}

/** In the order of the bytes. `framing` is what is neither head nor content: sizes of chunks and trailers. */
export type Piece =
  | { kind: "head"; bytes: Buffer; head: Head; last: boolean }
  | { kind: "content" | "framing"; bytes: Buffer; last: boolean };

/** What follows a head: that many bytes, chunks, or all until the end of the connection. */
export type Body = number | "chunked" | "until the end";

/** The body that headers announce; `otherwise` where they say nothing. */
export function announcedBody(headers: Record<string, string>, otherwise: Body): Body {
  if (/\bchunked\b/i.test(headers["transfer-encoding"] ?? "")) return "chunked";
  const length = headers["content-length"];
  return length === undefined ? otherwise : Number(length);
}

export class HttpMeter {
  #rest = Buffer.alloc(0);
  #state: "head" | "content" | "chunk size" | "chunk" | "chunk end" | "trailer" | "endless" = "head";
  #left = 0;
  readonly #bodyOf: (head: Head) => Body;

  /** `bodyOf` is asked once for each head. */
  constructor(bodyOf: (head: Head) => Body) {
    this.#bodyOf = bodyOf;
  }

  /** The pieces that are complete with `chunk`; content is given as it comes. `last` marks the end of a message. */
  *take(chunk: Uint8Array): Generator<Piece> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length > 0) {
      const piece = this.#next();
      if (piece === undefined) return;
      yield piece;
    }
  }

  #next(): Piece | undefined {
    switch (this.#state) {
      case "head":
        return this.#head();
      case "endless":
        return { kind: "content", bytes: this.#cut(this.#rest.length), last: false };
      case "content":
      case "chunk": {
        const bytes = this.#cut(Math.min(this.#left, this.#rest.length));
        this.#left -= bytes.length;
        const last = this.#left === 0 && this.#state === "content";
        if (this.#left === 0) this.#state = last ? "head" : "chunk end";
        return { kind: "content", bytes, last };
      }
      default:
        return this.#line();
    }
  }

  #head(): Piece | undefined {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const bytes = this.#cut(end + 4);
    const [line = "", ...fields] = bytes.toString("latin1").trimEnd().split("\r\n");
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(":");
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    const head = { line, headers };
    const body = this.#bodyOf(head);
    if (body === "chunked") this.#state = "chunk size";
    else if (body === "until the end") this.#state = "endless";
    else if (body > 0) {
      this.#state = "content";
      this.#left = body;
    }
    return { kind: "head", bytes, head, last: body === 0 };
  }

  #line(): Piece | undefined {
    const end = this.#rest.indexOf("\r\n");
    if (end < 0) return undefined;
    const bytes = this.#cut(end + 2);
    const text = bytes.toString("latin1").trim();
    let last = false;
    if (this.#state === "chunk size") {
      this.#left = Number.parseInt(text, 16);
      this.#state = this.#left === 0 ? "trailer" : "chunk";
    } else if (this.#state === "chunk end") this.#state = "chunk size";
    else if (text === "") {
      this.#state = "head";
      last = true;
    }
    return { kind: "framing", bytes, last };
  }

  #cut(length: number): Buffer {
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }
}
