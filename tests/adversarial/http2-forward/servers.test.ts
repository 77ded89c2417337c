/** Servers that answer `http://` requests of HTTP/2 and do not keep to HTTP/1.1. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DATA, headers, outcomeOf, reset } from "../raw-http2.ts";
import { ForwardStage, OK } from "./stage.ts";

setDefaultTimeout(60_000);

const stage = new ForwardStage();
beforeEach(() => stage.open());
afterEach(() => stage.close());

describe("servers that do not keep to their protocol", () => {
  test.each([
    ["bytes of no protocol", "\u0000\u0001\u0002\r\n\r\n"],
    ["nothing", ""],
    ["a head without end", "HTTP/1.1 200 OK\r\nX: y\r\n"],
    ["a head of 200,000 bytes", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(200_000)}\r\n\r\n`],
    ["a status below 100", "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok"],
    ["a status above 599", "HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\nok"],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nGET /no"],
    ["101 without a protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["a control character in a field", "HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 2\r\n\r\nok"],
    ["a name that is none", "HTTP/1.1 200 OK\r\nX y: a\r\nContent-Length: 2\r\n\r\nok"],
    ["a coding that is not undone", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"],
    ["HTTP/2", "\0\0\0\u0004\0\0\0\0\0"],
  ])("%s is 502", async (_, bytes) => {
    stage.answer = (socket) => socket.end(Buffer.from(bytes, "latin1"));
    const { heads, content, ended } = await stage.play(stage.get(1));
    expect([heads.length, ended]).toEqual([1, "end"]);
    expect(heads[0]).toContain("502");
    expect(content.toString()).toContain("502 Bad Gateway");
    expect(await stage.proxy.event("close")).toMatchObject({ reason: "upstream" });
  });

  test("a second answer is nobody's", async () => {
    stage.answer = (socket) => socket.end(OK + OK.replace("ok", "no"));
    const { heads, content } = await stage.play(stage.get(1));
    expect([heads.length, content.toString()]).toEqual([1, "ok"]);
  });

  test("interim answers without end are not passed on without end", async () => {
    stage.answer = (socket) => socket.end("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000) + OK);
    const { heads, content, ended } = await stage.play(stage.post(1), DATA(1, "x", 1));
    expect([heads.length, content.toString(), ended]).toEqual([2, "ok", "end"]);
    expect(heads[0]).toContain("100");
  });

  test("hints before the answer are left out", async () => {
    stage.answer = (socket) => socket.end(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`);
    expect((await stage.play(stage.get(1))).heads).toEqual([expect.stringMatching(/^200/)]);
  });

  test("content where there is none: 204, 304 and HEAD end with their heads", async () => {
    for (const [status, method] of [
      ["204 No Content", "GET"],
      ["304 Not Modified", "GET"],
      ["200 OK", "HEAD"],
    ] as const) {
      stage.answer = (socket) => socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\n`);
      const { heads, content, ended } = await stage.play(headers(1, stage.request(method, "/"), 5));
      expect([heads.length, heads[0]!.slice(0, 3), content.length, ended]).toEqual([1, status.slice(0, 3), 0, "end"]);
    }
  });

  test("a refusal of HEAD has no content", async () => {
    const { heads, content, ended } = await stage.play(headers(1, stage.request("HEAD", "/no"), 5));
    expect([heads[0]!.includes("403"), content.length, ended]).toEqual([true, 0, "end"]);
  });

  test("no answer: the idle limit ends it, and others are served meanwhile", async () => {
    stage.answer = (socket, head) => {
      if (!head.startsWith("GET /silent")) socket.end(OK);
    };
    const client = await stage.client(stage.get(1, "/silent"), stage.get(3));
    expect(await outcomeOf(client, 3)).toMatchObject({ ended: "end" });
    expect((await outcomeOf(client, 1)).heads[0]).toContain("502");
    expect(await stage.proxy.event("close", ({ reason }) => reason === "idle")).toMatchObject({ reason: "idle" });
    client.end();
  });

  test("an answer before any content: the client need not send it", async () => {
    stage.answer = (socket) => socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    const client = await stage.client(stage.post(1, [["content-length", "1000000"]]));
    const { heads, content, ended } = await outcomeOf(client, 1);
    expect([heads[0]!.includes("413"), content.toString(), ended]).toEqual([true, "no", "end"]);
    expect(await reset(client)).toBe(0);
    client.end();
  });
});
