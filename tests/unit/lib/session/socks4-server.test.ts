/** Playbooks of SOCKS4 and 4a: bytes in, steps out, in every split. */
import { describe, expect, test } from "bun:test";
import { Socks4Server } from "../../../../lib/session/socks4-server.ts";
import { hex } from "../../../conformance/three-ways.ts";
import { play, splits, type Noted } from "./play.ts";

const request = (host: string): Noted => ({
  request: { protocol: "socks4", host, port: 80 },
});
const rejected = (fail: string): Noted => ({ fail, bytes: "005b000000000000" });

const PLAYBOOK: [what: string, users: boolean, sent: string, steps: Noted[]][] = [
  ["an address", false, "04 01 0050 c0000201 00", [request("192.0.2.1")]],
  ["a name (4a)", false, "04 01 0050 00000001 6d65 00 612e6578616d706c65 00", [request("a.example")]],
  ["BIND", false, "04 02 0050 c0000201 00", [rejected("command 2 is not supported")]],
  ["where users are asked for", true, "04 01 0050 c0000201 00", [rejected("SOCKS4 cannot carry a password")]],
  ["another version", false, "06", [rejected("version 6 is not 4")]],
];

describe("dialogues, in every split of the client's bytes", () => {
  test.each(PLAYBOOK)("%s", (_, users, sent, steps) => {
    for (const pieces of splits(hex(sent))) expect(play(new Socks4Server(users), pieces).steps).toEqual(steps);
  });

  test("what stands behind the request is kept for the tunnel", () => {
    const sent = Uint8Array.from([...hex("04 01 0050 c0000201 00"), ...Buffer.from("early\0data")]);
    for (const pieces of splits(sent)) {
      expect(play(new Socks4Server(false), pieces)).toEqual({ steps: [request("192.0.2.1")], rest: "early\0data" });
    }
  });
});

test("answers", () => {
  const session = new Socks4Server(false);
  expect(session.accept()).toEqual(hex("005a000000000000"));
  expect(session.refuse()).toEqual(hex("005b000000000000"));
});
