/** Names of hellos and requests, in every split; and what says none. */
import { expect, test } from "bun:test";
import { MeantName } from "../../../../lib/session/meant-name.ts";
import { helloRecord, serverName } from "../../../support/make-hello.ts";
import { playPreface } from "./play-preface.ts";
import { splits } from "./play.ts";

const latin = (text: string) => Buffer.from(text, "latin1");

test.each([
  ["GET / HTTP/1.1\r\nHost: A.Example\r\n\r\n", "a.example"],
  ["POST /x HTTP/1.1\r\nX: y\r\nhost:a.example:8443\r\n\r\nbody", "a.example"],
  ["GET / HTTP/1.0\nHost: a.example.\n\n", "a.example"],
  ["GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example"],
  ["GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n", "2001:db8::1"],
])("the Host of a request: %j", (text, name) => {
  for (const pieces of splits(latin(text))) {
    const [step, ...more] = playPreface(new MeantName(), pieces);
    // What came behind the head in a later piece is not read.
    expect([step, more]).toEqual([{ done: name, rest: expect.any(String) }, []]);
    expect(text.startsWith((step as { rest: string }).rest)).toBe(true);
    expect((step as { rest: string }).rest).toContain("\n");
  }
});

test("the server name of a hello", () => {
  const hello = Buffer.from(helloRecord({ extensions: [serverName("A.example")] }));
  for (const pieces of splits(hello))
    expect(playPreface(new MeantName(), pieces)).toEqual([{ done: "a.example", rest: hello.toString("latin1") }]);
});

test.each([
  ["GET / HTTP/1.1\r\n\r\n", "the client says no name"],
  ["GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", "the client says no name"],
  ["GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n", "the client says no name"],
  ["GET / HTTP/1.1\r\nHost:\r\n\r\n", "the client says no name"],
  ["GET / HTTP/1.1\r\nno field\r\nHost: a.example\r\n\r\n", "the client says no name"],
  ["GET / HTTP/1.1\r\nX: y\r\n Host: a.example\r\n\r\n", "the client says no name"],
  ["GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", "the client says no name"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the client speaks nothing that is expected here"],
  ["\0\0\0\x08\x04\xd2\x16\x2f", "the client speaks nothing that is expected here"],
  [`GET / HTTP/1.1\r\nX: ${"y".repeat(17_000)}`, "the head of the client's request is too long"],
  [
    `GET / HTTP/1.1\r\nHost: a.example\r\nX: ${"y".repeat(17_000)}\r\n\r\n`,
    "the head of the client's request is too long",
  ],
])("no name: %#", (text, reason) => {
  expect(playPreface(new MeantName(), [latin(text)])).toEqual([{ fail: "no_name", reason }]);
});

test("no name: the end", () => {
  const reason = "the client left before it said a name";
  for (const text of ["", "GET / HTTP/1.1\r\nHost: a.example\r\n"])
    expect(playPreface(new MeantName(), [latin(text)], true)).toEqual([{ fail: "no_name", reason }]);
});
