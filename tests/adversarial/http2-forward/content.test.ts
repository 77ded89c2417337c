/** `http://` requests over HTTP/2 whose content is not what the head said, and what breaks off on either side. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../harness.ts";
import { DATA, frame, frameOf, literal, outcomeOf, uint32 } from "../raw-http2.ts";
import { ForwardStage, OK } from "./stage.ts";

setDefaultTimeout(60_000);

const stage = new ForwardStage();
beforeEach(() => stage.open());
afterEach(() => stage.close());

describe("content that is not what the head said", () => {
  test("more than the length: not a byte of the rest goes out", async () => {
    stage.answer = () => {};
    const { ended } = await stage.play(stage.post(1, [["content-length", "5"]]), DATA(1, "12345"), DATA(1, "GET /no"));
    expect(ended).toBe(1);
    expect(stage.got.join("")).not.toContain("GET /no");
    expect(await stage.proxy.event("close")).toMatchObject({
      reason: "client",
      error: "more content than content-length says",
    });
  });

  test("less than the length: the server sees that it broke off", async () => {
    stage.answer = () => {};
    const { ended } = await stage.play(stage.post(1, [["content-length", "50"]]), DATA(1, "12345", 1));
    expect(ended).toBe(1);
    expect(await stage.proxy.event("close")).toMatchObject({
      reason: "client",
      error: "less content than content-length says",
    });
    await until(
      () => stage.sockets.every((socket) => socket.destroyed || socket.readableEnded),
      "the end of the request",
    );
  });

  test("content behind the end", async () => {
    stage.answer = () => {};
    const { ended } = await stage.play(stage.post(1), DATA(1, "a", 1), DATA(1, "GET /no"));
    expect(ended).toBe(5);
    expect(stage.got.join("")).not.toContain("GET /no");
  });

  test("trailers are taken and dropped", async () => {
    stage.answer = (socket) =>
      void until(() => stage.got[0]!.endsWith("0\r\n\r\n"), "the end").then(() => socket.end(OK));
    const trailers = frame(1, 5, 1, literal("x-sum", "1"));
    expect((await stage.play(stage.post(1), DATA(1, "a"), trailers)).ended).toBe("end");
    expect(stage.got[0]).not.toContain("x-sum");
  });

  test.each([
    ["that do not end the stream", () => frame(1, 4, 1, literal("a", "b"))],
    ["with pseudo-fields", () => frame(1, 5, 1, literal(":path", "/no"))],
  ])("trailers %s", async (_, trailers) => {
    stage.answer = () => {};
    expect((await stage.play(stage.post(1), DATA(1, "a"), trailers())).ended).toBe(1);
  });

  test("trailers before the length is reached", async () => {
    stage.answer = () => {};
    const trailers = frame(1, 5, 1, literal("a", "b"));
    expect((await stage.play(stage.post(1, [["content-length", "5"]]), DATA(1, "a"), trailers)).ended).toBe(1);
  });
});

describe("what breaks off", () => {
  test("the client resets while it sends: the server sees an end in the middle, other streams nothing", async () => {
    stage.answer = (socket, head) => {
      if (head.startsWith("GET")) socket.end(OK);
    };
    const client = await stage.client(stage.post(1, [["content-length", "50"]]), DATA(1, "half"));
    await until(() => stage.got[0]?.endsWith("half"), "the first half");
    client.write(Buffer.concat([frame(3, 0, 1, uint32(8)), stage.get(3)]));
    expect(await outcomeOf(client, 3)).toMatchObject({ ended: "end" });
    await until(() => stage.sockets[0]!.destroyed || stage.sockets[0]!.readableEnded, "the end of the request");
    expect(await stage.proxy.event("close", ({ session }) => session.endsWith("/1"))).toMatchObject({
      reason: "client",
      error: "the client reset the stream (cancel)",
    });
    client.end();
  });

  test("the client resets while it is answered: the server's connection is gone", async () => {
    stage.answer = (socket) => socket.write("HTTP/1.1 200 OK\r\n\r\nbegun");
    const client = await stage.client(stage.get(1));
    await frameOf(client, 0);
    client.write(frame(3, 0, 1, uint32(8)));
    await until(() => stage.sockets[0]!.destroyed || stage.sockets[0]!.readableEnded, "the end");
    expect(await stage.proxy.event("close")).toMatchObject({ reason: "client" });
    client.end();
  });

  test("the client goes away before the server answers", async () => {
    stage.answer = () => {};
    const client = await stage.client(stage.get(1));
    await until(() => stage.got.length === 1, "the request");
    client.reset();
    await until(() => stage.sockets[0]!.destroyed || stage.sockets[0]!.readableEnded, "the end");
    expect(await stage.proxy.event("close")).toMatchObject({ reason: "client" });
  });

  const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  test.each([
    ["before its length", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", "half"],
    ["within a chunk", `${CHUNKED}a\r\nhalf`, "half"],
    ["between chunks", `${CHUNKED}4\r\nhalf\r\n`, "half"],
    ["before the end of the last chunk", `${CHUNKED}4\r\nhalf\r\n0\r\n`, "half"],
    ["for a chunk that is none", `${CHUNKED}4\r\nhalf\r\nxyz\r\n`, "half"],
  ])("an answer that ends %s does not look whole", async (_, bytes, content) => {
    stage.answer = (socket) => socket.end(bytes);
    const outcome = await stage.play(stage.get(1));
    expect(outcome.ended).toBe(2);
    expect(content).toStartWith(outcome.content.toString());
    expect(await stage.proxy.event("close")).toMatchObject({ reason: "upstream" });
  });

  test("an answer whose connection is reset does not look whole, even where its end is its length", async () => {
    stage.answer = (socket) =>
      socket.write("HTTP/1.1 200 OK\r\n\r\nhalf", () => setTimeout(() => socket.resetAndDestroy(), 50));
    expect((await stage.play(stage.get(1))).ended).toBe(2);
  });

  test("an answer that ends with its connection is whole", async () => {
    stage.answer = (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    const { content, ended } = await stage.play(stage.get(1));
    expect([content.toString(), ended]).toEqual(["all of it", "end"]);
    expect(await stage.proxy.event("close")).toMatchObject({ reason: "done" });
  });
});
