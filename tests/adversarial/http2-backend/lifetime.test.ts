/** Proxies over HTTP/2 that fall silent, what a check takes, and the end of a backend. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../harness.ts";
import { frame, frameOf, uint32 } from "../raw-http2.ts";
import { closeStages, code, refusal, request, stage, status, TARGET, typesOf, works } from "./stage.ts";

setDefaultTimeout(60_000);

afterEach(closeStages);

describe("silence", () => {
  test("a proxy that never greets", async () => {
    const s = await stage({ timeout: 200 });
    const opened = s.open();
    const client = await s.next();
    expect(await refusal(opened)).toMatch(/no SETTINGS in time/);
    await client.rest();
  });

  test("a request without an answer: it is given up, and the connection gets no other before it shows that it lives", async () => {
    const s = await stage({ timeout: 200 });
    const { opened, client: first, stream } = await s.ask();
    expect(await refusal(opened)).toMatch(/no answer in time/);
    expect(await frameOf(first, 3)).toMatchObject({ stream, payload: Buffer.from(uint32(8)) });
    const ping = await frameOf(first, 6);
    (await s.tunnel()).conn.destroy();
    // The first one is never heard of again, and closed.
    expect(ping.flags).toBe(0);
    expect(typesOf(await first.rest())).not.toContain(1);
    expect(s.accepted).toBe(2);
  });

  test("one that answers the PING is used again", async () => {
    const s = await stage({ timeout: 2000 });
    const { opened, client } = await s.ask();
    expect(await refusal(opened)).toMatch(/no answer in time/);
    const { payload } = await frameOf(client, 6);
    client.write(frame(6, 1, 0, payload));
    await Bun.sleep(50);
    await works(s, client);
    expect(s.accepted).toBe(1);
  });

  test("a peer that is gone without a word does not hold tunnels for ever", async () => {
    const s = await stage({ timeout: 300, silence: 1 });
    const { client, conn } = await s.tunnel();
    const { payload, flags } = await frameOf(client, 6);
    expect(flags).toBe(0);
    // It answers once, and then no more.
    client.write(frame(6, 1, 0, payload));
    await frameOf(client, 6);
    await until(() => conn.closed, "the end of the tunnel");
    expect(conn.notes.error?.message).toMatch(/no answer to a PING/);
    await works(s);
  });
});

describe("checks", () => {
  test("each has a connection of its own, which ends with it", async () => {
    const s = await stage();
    const { client, conn } = await s.tunnel();
    for (const [said, finding] of [
      ["200", "works"],
      ["403", { trouble: expect.stringContaining("403") }],
      ["502", { trouble: expect.stringContaining("502") }],
    ] as const) {
      const found = s.backend.probe(TARGET);
      const checked = await s.greeted();
      checked.write(status(await request(checked), said));
      expect(await found).toEqual(finding);
      expect(typesOf(await checked.rest())).toContain(7);
    }
    expect([conn.closed, s.backend.http2]).toEqual([false, expect.objectContaining({ connections: 1, tunnels: 1 })]);
    await works(s, client);
  });

  test("one that cannot be greeted is in trouble", async () => {
    const s = await stage();
    const found = s.backend.probe(TARGET);
    const client = await s.next();
    client.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await found).toEqual({ trouble: expect.stringContaining("does not speak HTTP/2") });
  });
});

test("the last connection is closed with the backend, and takes its tunnels along", async () => {
  const s = await stage();
  const { client, conn } = await s.tunnel();
  s.backend.close();
  await until(() => conn.closed, "the end of the tunnel");
  expect(await code(client, 7)).toBe(0);
  await client.rest();
});
