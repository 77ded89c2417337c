/** Playbooks of CONNECT: bytes in, steps out, in every split. */
import { describe, expect, test } from "bun:test";
import { HttpConnectServer } from "../../../../lib/session/http-connect-server.ts";
import { ascii } from "../../../conformance/three-ways.ts";
import { play, splits, type Noted } from "./play.ts";

const MOST = 4096;
const HEAD = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n";
const credentials = (text: string) => `Proxy-Authorization: Basic ${btoa(text)}\r\n`;
const request = (headers: [string, string][]): Noted => ({
  request: {
    protocol: "http",
    host: "a.example",
    port: 443,
    http: { method: "CONNECT", path: "", query: "", headers, version: "1.1" },
  },
});

function answered(step: Noted | undefined): string {
  if (step === undefined || !("fail" in step) || step.bytes === undefined) throw new Error("no failure with an answer");
  return Buffer.from(step.bytes, "hex").toString();
}

test("a request, in every split, with what stands behind it kept for the tunnel", () => {
  for (const pieces of splits(ascii(`${HEAD}\r\n\x16\x03\x01`))) {
    expect(play(new HttpConnectServer(false, MOST), pieces)).toEqual({
      steps: [request([["host", "a.example"]])],
      rest: "\x16\x03\x01",
    });
  }
});

describe("where users are asked for", () => {
  const session = () => new HttpConnectServer(true, MOST);

  test("good credentials lead to the request", () => {
    for (const pieces of splits(ascii(`${HEAD}${credentials("ann:p:w")}\r\nmore`))) {
      const { steps, rest } = play(session(), pieces);
      expect(steps).toMatchObject([{ authenticate: ["ann", "p:w"] }, { request: { host: "a.example" } }]);
      expect(rest).toBe("more");
    }
  });

  test.each([
    ["none", "", "no credentials"],
    ["another scheme", "Proxy-Authorization: Bearer x\r\n", "the credentials are not Basic"],
    ["broken ones", "Proxy-Authorization: Basic ?\r\n", "the credentials are not Basic"],
  ])("%s: 407 that names the scheme", (_, line, reason) => {
    const [step, ...others] = play(session(), [ascii(`${HEAD}${line}\r\n`)]).steps;
    expect(others).toEqual([]);
    expect(step).toMatchObject({ fail: reason });
    expect(answered(step)).toStartWith("HTTP/1.1 407 Proxy Authentication Required\r\n");
    expect(answered(step)).toContain('\r\nProxy-Authenticate: Basic realm="portail", charset="UTF-8"\r\n');
  });

  test("wrong ones: 407, and the request is never made", () => {
    const { steps } = play(session(), [ascii(`${HEAD}${credentials("ann:no")}\r\n`)], false);
    expect(steps).toMatchObject([{ authenticate: ["ann", "no"] }, { fail: "wrong user name or password" }]);
    expect(answered(steps[1])).toStartWith("HTTP/1.1 407 ");
  });
});

describe("the size of a head", () => {
  const padded = (length: number) => {
    const rest = length - HEAD.length - "A: \r\n\r\n".length;
    return ascii(`${HEAD}A: ${"x".repeat(rest)}\r\n\r\n`);
  };

  test("may be as large as the limit, in one piece or many", () => {
    for (const pieces of [[padded(MOST)], [...padded(MOST)].map((byte) => Uint8Array.of(byte))]) {
      expect(play(new HttpConnectServer(false, MOST), pieces).steps).toMatchObject([{ request: { port: 443 } }]);
    }
  });

  test("beyond it, the answer is 400, whole or not", () => {
    const whole = padded(MOST + 1);
    for (const bytes of [whole, padded(MOST + 3).slice(0, -2), padded(MOST * 2)]) {
      const { steps } = play(new HttpConnectServer(false, MOST), [bytes]);
      expect(steps).toMatchObject([{ fail: "the request head is too large" }]);
      expect(answered(steps[0])).toStartWith("HTTP/1.1 400 ");
    }
  });

  test("what stands behind a head does not count", () => {
    const bytes = Uint8Array.from([...padded(MOST), ...new Uint8Array(MOST)]);
    expect(play(new HttpConnectServer(false, MOST), [bytes]).steps).toMatchObject([{ request: { port: 443 } }]);
  });
});

test("nothing follows a failure", () => {
  const session = new HttpConnectServer(false, MOST);
  expect(session.receive(ascii("CONNECT / HTTP/1.1\r\n\r\n"))).toHaveLength(1);
  expect(session.receive(ascii(`${HEAD}\r\n`))).toEqual([]);
});

test("an open tunnel has no fields and no content", () => {
  const bytes = new HttpConnectServer(false, MOST).accept();
  expect(Buffer.from(bytes).toString()).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
});
