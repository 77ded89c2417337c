/** Answers over HTTP/2 that open no tunnel: statuses, resets, connections that go away or take no more; what is asked for again, and how often. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BackendFailure } from "../../../lib/net/backend.ts";
import { until } from "../harness.ts";
import { DATA, frame, SETTINGS, uint32 } from "../raw-http2.ts";
import type { RawClient } from "../raw-client.ts";
import { closeStages, code, noted, OPEN, refusal, request, stage, status, works } from "./stage.ts";

setDefaultTimeout(60_000);

afterEach(closeStages);

describe("answers that are none", () => {
  test.each([
    ["407", /^failed: .*wants credentials/, false],
    ["403", /^denied: .*403/, true],
    ["405", /^denied: .*405/, true],
    ["502", /^failed: .*502/, false],
    ["504", /^connect_timeout: .*504/, false],
    ["301", /^failed: .*301/, false],
  ])("%s, with content that nobody wants", async (said, message, final) => {
    const s = await stage();
    const { opened, client, stream } = await s.ask();
    client.write(Buffer.concat([status(stream, said), DATA(stream, "why"), DATA(stream, "", 1)]));
    expect(await refusal(opened)).toMatch(message);
    expect(((await opened) as BackendFailure).final).toBe(final);
    expect(await code(client, 3)).toBe(8);
    await works(s, client);
  });

  test.each([
    ["CONNECT_ERROR", 10, /did not connect \(CONNECT_ERROR|did not connect \(CONNECT/],
    ["INTERNAL_ERROR", 2, /reset the request \(INTERNAL/],
    ["HTTP_1_1_REQUIRED", 13, /wants HTTP\/1.1/],
    ["a code that nobody knows", 0xbeef, /code 48879/],
  ])("RST_STREAM with %s", async (_, said, message) => {
    const s = await stage();
    const { opened, client, stream } = await s.ask();
    client.write(frame(3, 0, stream, uint32(said)));
    expect(await refusal(opened)).toMatch(message);
    await works(s, client);
  });

  test("REFUSED_STREAM is asked for again, once, on another connection", async () => {
    const s = await stage();
    const opened = s.open();
    for (let i = 0; i < 2; i++) {
      const client = await s.greeted();
      client.write(frame(3, 0, await request(client), uint32(7)));
    }
    expect(await refusal(opened)).toMatch(/^limit: .*busy/);
    expect(s.accepted).toBe(2);
    const again = s.open();
    const [client] = s.held as [RawClient];
    client.write(frame(3, 0, await request(client), uint32(7)));
    await works(s, s.held[1], again);
    expect(s.accepted).toBe(2);
  });

  test("GOAWAY: what it leaves out is asked for elsewhere, what it leaves in goes on, and the last one takes the connection along", async () => {
    const s = await stage();
    const { client: first, stream: kept, conn: tunnel } = await s.tunnel();
    const { opened: left } = await s.ask(first);
    first.write(frame(7, 0, 0, [...uint32(kept), ...uint32(0)]));
    const second = await s.greeted();
    second.write(OPEN(await request(second)));
    noted(await left);
    first.write(DATA(kept, "going on"));
    await until(() => tunnel.notes.text === "going on", "the old tunnel");
    await works(s, second);
    expect([s.accepted, tunnel.closed]).toEqual([2, false]);
    tunnel.end();
    first.write(DATA(kept, "", 1));
    await first.rest();
    first.end();
    await until(() => s.backend.http2.connections === 1, "the end of the first connection");
  });

  test("a proxy that goes away at each greeting is not asked without end", async () => {
    const s = await stage();
    const opened = s.open();
    for (let i = 0; i < 2; i++) {
      const client = await s.next();
      client.write(Buffer.concat([SETTINGS, frame(7, 0, 0, [...uint32(0), ...uint32(0)])]));
      await client.rest();
    }
    expect(await refusal(opened)).toMatch(/^limit: .*busy/);
    expect(s.accepted).toBe(2);
  });

  test("a proxy that takes no streams is busy, and that is no fault of the circuit", async () => {
    const s = await stage();
    for (let i = 1; i <= 4; i++) {
      const opened = s.open();
      for (let n = 0; n < 2; n++) await s.greeted(frame(4, 0, 0, [0, 3, 0, 0, 0, 0]));
      expect(await refusal(opened)).toMatch(/^limit: .*busy/);
      expect(s.accepted).toBe(2 * i);
    }
    expect(s.backend.isOpenCircuit).toBe(false);
  });

  test("no more connections than allowed", async () => {
    const s = await stage({ most: 3 });
    const opened = Array.from({ length: 10 }, () => s.open());
    const one = frame(4, 0, 0, [0, 3, 0, 0, 0, 1]);
    for (let n = 0; n < 3; n++) {
      const client = await s.greeted(one);
      client.write(OPEN(await request(client)));
    }
    const outcomes = await Promise.all(opened);
    expect(outcomes.filter((one) => one instanceof BackendFailure && one.refusal === "limit")).toHaveLength(7);
    expect([s.accepted, s.backend.http2]).toEqual([3, expect.objectContaining({ connections: 3, tunnels: 3 })]);
  });

  test("a connection that dies under a request is replaced once, if others had used it", async () => {
    const s = await stage();
    const { client: first, conn: held } = await s.tunnel();
    const { opened: again } = await s.ask(first);
    first.reset();
    const second = await s.greeted();
    second.write(OPEN(await request(second)));
    noted(await again);
    await until(() => held.closed, "the tunnel of the dead connection");
    expect(held.notes.error).toBeDefined();
  });

  test("one that dies under the request that it was made for is a failure", async () => {
    const s = await stage();
    const { opened, client } = await s.ask();
    client.reset();
    expect(await refusal(opened)).toMatch(/^failed: /);
    expect(s.accepted).toBe(1);
    await works(s);
  });
});
