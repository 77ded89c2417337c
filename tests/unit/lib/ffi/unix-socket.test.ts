/** AF_UNIX sockets that the runtime has not, against receivers of python3. */
import { afterAll, describe, expect, test } from "bun:test";
import { monotonicMicroseconds, openUnixSocket, type UnixSocket } from "../../../../lib/ffi/unix-socket.ts";
import { Receiver, socketPath } from "../../../support/datagrams.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { run } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

function opened(kind: "datagram" | "stream", address: string): UnixSocket {
  const socket = openUnixSocket(kind, address);
  if (typeof socket === "string") throw new Error(socket);
  scene.defer(() => socket.close());
  return socket;
}

describe("what is no address", () => {
  test.each([
    ["", "EINVAL"],
    ["relative", "EINVAL"],
    ["/with\0zero", "EINVAL"],
    ["vsock:2:1", "EINVAL"],
    [`/${"a".repeat(107)}`, "ENAMETOOLONG"],
    [`@${"a".repeat(108)}`, "ENAMETOOLONG"],
  ])("%j: %s", (address, error) => {
    expect(openUnixSocket("datagram", address)).toBe(error);
  });

  test("the longest there is", () => {
    expect(opened("datagram", `/${"a".repeat(106)}`).send(Buffer.from("x"))).toBe("ENOENT");
    expect(opened("datagram", `@${"a".repeat(107)}`).send(Buffer.from("x"))).toBe("ECONNREFUSED");
  });
});

test("where nobody is, the error says so; a stream finds out when it is opened", () => {
  expect(opened("datagram", scene.path("nobody")).send(Buffer.from("x"))).toBe("ENOENT");
  expect(openUnixSocket("stream", scene.path("nobody"))).toBe("ENOENT");
});

const absent = missing(["python3"]);
if (absent.length > 0) leaveOut("AF_UNIX sockets reach a receiver", absent);
else {
  describe("a receiver", () => {
    test.each([
      ["a path", () => socketPath(scene, "datagram")],
      ["an abstract name", () => `@portail-test-${process.pid}`],
    ])("at %s gets datagrams whole, in order, from this process", async (_, address) => {
      const at = address();
      const receiver = await Receiver.open(scene, "datagram", at);
      const socket = opened("datagram", at);
      expect(socket.send(Buffer.from("first\nline"))).toBe(10);
      expect(socket.send(Buffer.from("sécond"))).toBe(7);
      await receiver.message(/sécond/);
      expect(receiver.received).toEqual([
        { pid: process.pid, text: "first\nline" },
        { pid: process.pid, text: "sécond" },
      ]);
    });

    test("that comes back is found again by the same socket", async () => {
      const at = `@portail-again-${process.pid}`;
      const socket = opened("datagram", at);
      expect(socket.send(Buffer.from("lost"))).toBe("ECONNREFUSED");
      const receiver = await Receiver.open(scene, "datagram", at);
      expect(socket.send(Buffer.from("heard"))).toBe(5);
      await receiver.message(/heard/);
      await receiver.close();
      expect(socket.send(Buffer.from("lost"))).toBe("ECONNREFUSED");
    });

    test("that does not read: EAGAIN, without waiting", async () => {
      const at = socketPath(scene, "slow");
      await Receiver.open(scene, "datagram", at, true);
      const socket = opened("datagram", at);
      const answers = new Set(Array.from({ length: 5000 }, () => socket.send(Buffer.from("x"))));
      expect([...answers]).toEqual([1, "EAGAIN"]);
    });

    test("of streams gets a stream, and is not one for datagrams", async () => {
      const at = socketPath(scene, "stream");
      const receiver = await Receiver.open(scene, "stream", at);
      expect(opened("datagram", at).send(Buffer.from("x"))).toBe("EPROTOTYPE");
      expect(opened("stream", at).send(Buffer.from("streamed"))).toBe(8);
      await receiver.message(/streamed/);
    });
  });

  test("the monotonic clock is that of other processes", async () => {
    const script = "import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)";
    const before = monotonicMicroseconds()!;
    const theirs = BigInt((await run(["python3", "-c", script])).stdout.trim());
    const after = monotonicMicroseconds()!;
    expect(before <= theirs && theirs <= after).toBe(true);
  });
}
