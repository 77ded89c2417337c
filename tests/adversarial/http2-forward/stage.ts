/** A proxy that takes `http://` requests over HTTP/2, and an origin that the test plays. */
import { expect } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { startProxy, type RunningProxy } from "../harness.ts";
import { headers, openHttp2, outcomeOf, type Fields, type StreamOutcome } from "../raw-http2.ts";
import type { RawClient } from "../raw-client.ts";

export const ACL = `policy no { when path == "/no" action deny }
policy local { when dest.ip in [127.0.0.0/8] action allow }`;

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Opened and closed around each test. */
export class ForwardStage {
  /** What the origin was sent, by connection. */
  got: string[] = [];
  sockets: Socket[] = [];
  /** What it does once the head of a request is whole. */
  answer: (socket: Socket, head: string) => void = answerOk;
  port = 0;
  #origin: Server | undefined;
  #proxy: RunningProxy | undefined;

  get proxy(): RunningProxy {
    return this.#proxy!;
  }

  async open(): Promise<void> {
    this.got = [];
    this.sockets = [];
    this.answer = answerOk;
    const origin = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    this.#origin = origin;
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    this.port = (origin.address() as { port: number }).port;
    this.#proxy = await startProxy(ACL, ["--idle-timeout", "2s"]);
  }

  /** Whatever happened before: the next client is served, and nothing is left open. */
  async close(): Promise<void> {
    this.answer = answerOk;
    const { heads, content, ended } = await this.play(this.get(1));
    expect([heads[0]!.slice(0, 3), content.toString(), ended]).toEqual(["200", "ok", "end"]);
    expect(await this.proxy.drain()).toBe(0);
    this.#origin!.close();
  }

  client(...frames: Buffer[]): Promise<RawClient> {
    return openHttp2(this.proxy.port, ...frames);
  }

  /** The outcome of stream 1 whose frames these are. */
  async play(...frames: Buffer[]): Promise<StreamOutcome> {
    const client = await this.client(...frames);
    const outcome = await outcomeOf(client, 1);
    client.end();
    return outcome;
  }

  request(method: string, path: string, more: Fields = []): Fields {
    return [
      [":method", method],
      [":scheme", "http"],
      [":path", path],
      [":authority", `127.0.0.1:${this.port}`],
      ...more,
    ];
  }

  get(stream: number, path = "/"): Buffer {
    return headers(stream, this.request("GET", path), 5);
  }

  post(stream: number, more: Fields = []): Buffer {
    return headers(stream, this.request("POST", "/", more), 4);
  }

  #serve(socket: Socket): void {
    const { got } = this;
    const index = got.push("") - 1;
    this.sockets.push(socket);
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      const before = got[index]!.includes("\r\n\r\n");
      got[index] += chunk.toString("latin1");
      if (!before && got[index]!.includes("\r\n\r\n")) this.answer(socket, got[index]!);
    });
  }
}

function answerOk(socket: Socket): void {
  socket.end(OK);
}
