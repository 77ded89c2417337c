/** Messages on a stream, however it is cut. */
import { expect, test } from "bun:test";
import { DnsFrames, frameDns } from "../../../../lib/session/dns-tcp.ts";

const messages = [Buffer.alloc(12, 1), Buffer.alloc(300, 2), Buffer.alloc(13, 3)];
const stream = Buffer.concat(messages.map(frameDns));

test("messages come out whole, wherever the stream is cut", () => {
  for (let size = 1; size <= stream.length; size++) {
    const frames = new DnsFrames(12, 300);
    const out: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) {
      frames.push(stream.subarray(at, at + size));
      for (let next = frames.next(); next !== "more"; next = frames.next()) out.push(Buffer.from(next as Uint8Array));
    }
    expect(out).toEqual(messages);
    expect(frames.held).toBe(0);
  }
});

test.each([11, 301, 0, 65_535])("a length of %d ends the stream", (length) => {
  const frames = new DnsFrames(12, 300);
  frames.push(Uint8Array.of(length >> 8, length));
  expect(frames.next()).toBe("bad");
  frames.push(stream);
  expect(frames.next()).toBe("bad");
});
