/** Clients and servers that do not read what the other sends over HTTP/2, and a drain while one is answered. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startProxy, until } from "../harness.ts";
import { frame, frameOf, nextFrame, openHttp2, outcomeOf, uint32 } from "../raw-http2.ts";
import { ACL, ForwardStage, OK } from "./stage.ts";

setDefaultTimeout(60_000);

const stage = new ForwardStage();
beforeEach(() => stage.open());
afterEach(() => stage.close());

describe("whoever does not read", () => {
  const SIZE = 64 * 2 ** 20;

  test("a client: the server waits, other streams do not, and nothing is lost", async () => {
    const piece = Buffer.alloc(2 ** 16, "0123456789abcdef");
    let sent = 0;
    stage.answer = (socket, head) => {
      if (!head.startsWith("GET /large")) return void socket.end(OK);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
      const more = () => {
        while (sent < SIZE) {
          sent += piece.length;
          if (!socket.write(piece)) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    };
    const client = await stage.client(stage.get(1, "/large"));
    await frameOf(client, 1);
    let before = -1;
    while (before !== sent) {
      before = sent;
      await Bun.sleep(300);
    }
    // What the kernel takes on two loopback connections, and little more.
    expect(sent).toBeLessThan(SIZE / 4);
    client.write(stage.get(3));
    client.write(frame(8, 0, 0, uint32(2 ** 30)));
    expect(await outcomeOf(client, 3)).toMatchObject({ ended: "end" });
    client.write(frame(8, 0, 1, uint32(2 ** 30)));
    const { content, ended } = await outcomeOf(client, 1);
    // The first window was read over with stream 3.
    expect([content.length, ended]).toEqual([SIZE - 65_535, "end"]);
    client.end();
  });

  test("a server: the client gets no more windows, and other streams do", async () => {
    stage.answer = (socket, head) => {
      if (head.startsWith("GET")) socket.end(OK);
      else socket.pause();
    };
    const client = await stage.client(stage.post(1));
    const piece = Buffer.alloc(16_384, "x");
    let window = 65_535;
    let connection = 65_535;
    let given = window;
    const credits = (async () => {
      for (let next = await nextFrame(client); next !== undefined; next = await nextFrame(client)) {
        const { payload, stream, type } = next;
        if (type === 4 && payload.length > 0) window += settingOf(payload, 4)! - 65_535;
        if (type === 8 && stream === 0) connection += payload.readUInt32BE(0);
        if (type === 8 && stream === 1) window += payload.readUInt32BE(0);
      }
    })();
    await until(() => connection > 65_535, "the first settings");
    for (let idle = 0; idle < 20;) {
      if (Math.min(window, connection) >= piece.length) {
        client.write(frame(0, 0, 1, piece));
        window -= piece.length;
        connection -= piece.length;
        given += piece.length;
        idle = 0;
        if (given > SIZE) break;
      } else {
        idle++;
        await Bun.sleep(50);
      }
    }
    expect(given).toBeLessThan(SIZE / 4);
    client.reset();
    await credits;
    expect(await stage.proxy.event("close")).toMatchObject({ reason: "client" });
  });
});

function settingOf(payload: Buffer, wanted: number): number | undefined {
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === wanted) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

test("a drain: what is being answered goes on to its end, and takes the connection along", async () => {
  const own = await startProxy(ACL);
  stage.answer = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nbefore");
    void drained.promise.then(() => socket.end(" and after"));
  };
  const drained = Promise.withResolvers<void>();
  const client = await openHttp2(own.port, stage.get(1));
  expect((await frameOf(client, 0)).payload.toString()).toBe("before");
  const ended = own.drain();
  await frameOf(client, 7);
  drained.resolve();
  expect(await outcomeOf(client, 1)).toMatchObject({ content: Buffer.from(" and after"), ended: "end" });
  await client.rest();
  client.end();
  expect(await ended).toBe(0);
});
