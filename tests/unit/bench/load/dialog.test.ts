/** The client's handshakes: RFC 1928 and HTTP CONNECT, whole, at every split, and refused. */
import { describe, expect, test } from "bun:test";
import { dialogs, type Dialog, type Step, type Via } from "../../../bench/load/dialog.ts";

const PORT = 0x1f90;
const open = (via: Via) => dialogs(via, ["127.0.0.1"], PORT)();
const text = (value: string) => new TextEncoder().encode(value);

/** Feeds the bytes in pieces of `size`, and returns the steps other than "more". */
function feed(dialog: Dialog, bytes: Uint8Array, size: number): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const step = dialog.step(bytes.subarray(at, at + size));
    if (step.kind !== "more") steps.push(step);
  }
  return steps;
}

describe("SOCKS 5", () => {
  const reply = {
    ipv4: Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 80),
    name: Uint8Array.of(5, 0, 0, 3, 3, 97, 98, 99, 0, 80),
    ipv6: Uint8Array.of(5, 0, 0, 4, ...new Uint8Array(16), 0, 80),
  };

  test.each(Object.entries(reply))("opens with a bound address of type %s, at every split", (_, bytes) => {
    for (let size = 1; size <= bytes.length; size++) {
      const dialog = open("socks");
      expect(dialog.first).toEqual(Uint8Array.of(5, 1, 0));
      expect(feed(dialog, Uint8Array.of(5, 0), size)).toEqual([
        { kind: "send", bytes: Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, 0x1f, 0x90) },
      ]);
      expect(feed(dialog, bytes, size)).toEqual([{ kind: "ready", rest: new Uint8Array(0) }]);
    }
  });

  test("keeps what the target said in the same packet", () => {
    const dialog = open("socks");
    dialog.step(Uint8Array.of(5, 0));
    expect(dialog.step(Uint8Array.of(...reply.ipv4, 42))).toEqual({ kind: "ready", rest: Uint8Array.of(42) });
  });

  test("a refused method, a refused request and another protocol are refusals", () => {
    expect(open("socks").step(Uint8Array.of(5, 255)).kind).toBe("refused");
    expect(open("socks").step(text("HTTP/1.1 400")).kind).toBe("refused");
    const dialog = open("socks");
    dialog.step(Uint8Array.of(5, 0));
    expect(dialog.step(Uint8Array.of(5, 2, 0, 1, 0, 0, 0, 0, 0, 0))).toEqual({ kind: "refused", why: "reply 2" });
  });
});

describe("CONNECT", () => {
  test("asks by authority and opens after the empty line, at every split", () => {
    const answer = text("HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n");
    for (let size = 1; size <= answer.length; size++) {
      const dialog = open("connect");
      expect(new TextDecoder().decode(dialog.first)).toBe(
        "CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
      );
      expect(feed(dialog, answer, size)).toEqual([{ kind: "ready", rest: new Uint8Array(0) }]);
    }
  });

  test("keeps what the target said in the same packet", () => {
    const step = open("connect").step(text("HTTP/1.1 200 OK\r\n\r\nE"));
    expect(step).toEqual({ kind: "ready", rest: text("E") });
  });

  test("any other status, an endless header and another protocol are refusals", () => {
    expect(open("connect").step(text("HTTP/1.1 403 Forbidden\r\n\r\n")).kind).toBe("refused");
    expect(open("connect").step(new Uint8Array(20_000)).kind).toBe("refused");
    expect(open("connect").step(text("SSH-2.0-x\r\n\r\n")).kind).toBe("refused");
  });
});

test("without a proxy the first bytes are the target's", () => {
  expect(open("none").first).toHaveLength(0);
  expect(open("none").step(text("E"))).toEqual({ kind: "ready", rest: text("E") });
});

test("hosts take turns", () => {
  const next = dialogs("connect", ["127.0.0.1", "127.0.0.2"], 1);
  const hosts = [next(), next(), next()].map((dialog) => new TextDecoder().decode(dialog.first).split(" ")[1]);
  expect(hosts).toEqual(["127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:1"]);
});
