/** Playbooks of SOCKS5: bytes in, steps out, in every split. */
import { describe, expect, test } from "bun:test";
import type { Refusal } from "../../../../lib/session/front.ts";
import { Socks5Server } from "../../../../lib/session/socks5-server.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";
import { hex } from "../../../conformance/three-ways.ts";
import { play, splits, type Noted } from "./play.ts";

const NONE = "05 01 00";
const PASSWORD = "05 01 02";
const BOTH = "05 02 00 02";
const ALICE = "01 05 616c696365 02 7077";
const CONNECT = "05 01 00 03 09 612e6578616d706c65 01bb";
const request: Noted = { request: { protocol: "socks5", host: "a.example", port: 443 } };
const chosen = (method: string): Noted => ({ send: `05${method}` });

/** Dialogues: whether there are users, what the client sends, what it comes to. */
const PLAYBOOK: [what: string, users: boolean, sent: string, steps: Noted[]][] = [
  ["no users", false, NONE + CONNECT, [chosen("00"), request]],
  [
    "an address as such",
    false,
    `${NONE} 05 01 00 01 c0000201 0050`,
    [chosen("00"), { request: { protocol: "socks5", host: "192.0.2.1", port: 80, ip: "192.0.2.1" } }],
  ],
  ["no users, several methods", false, BOTH + CONNECT, [chosen("00"), request]],
  [
    "no users, a client that insists on a password",
    false,
    PASSWORD,
    [{ fail: "the client insists on authentication", bytes: "05ff" }],
  ],
  ["users", true, BOTH + ALICE + CONNECT, [chosen("02"), { authenticate: ["alice", "pw"] }, { send: "0100" }, request]],
  [
    "users, a client without a password",
    true,
    NONE + CONNECT,
    [{ fail: "the client offers no username/password", bytes: "05ff" }],
  ],
  [
    "users, another sub-negotiation",
    true,
    `${PASSWORD} 02 01 61 01 62`,
    [chosen("02"), { fail: "sub-negotiation version 2 is not 1", bytes: "0101" }],
  ],
  ["another version", false, "06 01 00", [{ fail: "version 6 is not 5", bytes: undefined }]],
  [
    "BIND",
    false,
    `${NONE} 05 02 00 01 7f000001 0050`,
    [chosen("00"), { fail: "command 2 is not supported", bytes: "05070001000000000000" }],
  ],
  [
    "an unknown type of address",
    false,
    `${NONE} 05 01 00 09`,
    [chosen("00"), { fail: "address type 9 is not known", bytes: "05080001000000000000" }],
  ],
  [
    "another version in the request",
    false,
    `${NONE} 04`,
    [chosen("00"), { fail: "version 4 is not 5", bytes: "05010001000000000000" }],
  ],
];

describe("dialogues, in every split of the client's bytes", () => {
  test.each(PLAYBOOK)("%s", (_, users, sent, steps) => {
    for (const pieces of splits(hex(sent))) expect(play(new Socks5Server(users), pieces).steps).toEqual(steps);
  });
});

test("what stands behind the request is kept for the tunnel", () => {
  const sent = Uint8Array.from([...hex(NONE + CONNECT), ...Buffer.from("early data")]);
  for (const pieces of splits(sent)) {
    expect(play(new Socks5Server(false), pieces)).toEqual({ steps: [chosen("00"), request], rest: "early data" });
  }
});

test("a wrong password ends the dialogue; the request behind it is never made", () => {
  for (const pieces of splits(hex(PASSWORD + ALICE + CONNECT))) {
    const { steps } = play(new Socks5Server(true), pieces, false);
    expect(steps).toEqual([
      chosen("02"),
      { authenticate: ["alice", "pw"] },
      { fail: "wrong user name or password", bytes: "0101" },
    ]);
  }
});

test("nothing is taken while the verdict is awaited", () => {
  const session = new Socks5Server(true);
  session.receive(hex(PASSWORD + ALICE));
  expect(session.receive(hex(CONNECT))).toEqual([]);
  expect(session.authenticated(true)).toHaveLength(2);
});

test("nothing follows a failure", () => {
  const session = new Socks5Server(false);
  expect(session.receive(hex("06"))).toHaveLength(1);
  expect(session.receive(hex(NONE + CONNECT))).toEqual([]);
});

describe("answers", () => {
  const session = new Socks5Server(false);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

  test("an open tunnel", () => expect(text(session.accept())).toBe("05000001000000000000"));

  /** RFC 1928 section 6. */
  const codes: Record<Refusal, number> = {
    denied: 2,
    bad_request: 1,
    unsupported_command: 7,
    unsupported_address: 8,
    unsupported_coding: 0x01,
    name_not_found: 4,
    resolver_failed: 1,
    resolver_timeout: 4,
    refused: 5,
    host_unreachable: 4,
    network_unreachable: 3,
    connect_timeout: 6,
    limit: 1,
    draining: 1,
    failed: 1,
  };
  test.each(Object.entries(codes) as [Refusal, number][])("%s is %d", (refusal, code) => {
    expect(text(session.refuse(refusal))).toBe(`050${code}0001000000000000`);
  });
});

describe("UDP ASSOCIATE", () => {
  const associate = (digits: string, users = false, greeting = NONE) =>
    [...splits(hex(greeting + digits))].map((pieces) => play(new Socks5Server(users, true), pieces).steps);

  test.each([
    ["the source is open", "05 03 00 01 00000000 0000", undefined, 0],
    ["any address, by IPv6", "05 03 00 04 00000000000000000000000000000000 0000", undefined, 0],
    ["an address and a port", "05 03 00 01 c0000204 9c40", "192.0.2.4", 40_000],
    ["any address, one port", "05 03 00 01 00000000 9c40", undefined, 40_000],
    ['any address, as PySocks writes it: the name "0"', "05 03 00 03 01 30 9c40", undefined, 40_000],
    ["an address as a name", "05 03 00 03 09 3139322e302e322e34 0000", "192.0.2.4", 0],
  ])("%s", (_, digits, ip, port) => {
    for (const steps of associate(digits)) expect(steps).toEqual([chosen("00"), { associate: { ip, port } }]);
  });

  test("users prove themselves first", () => {
    for (const steps of associate(`${ALICE} 05 03 00 01 00000000 0000`, true, BOTH)) {
      expect(steps.map((step) => Object.keys(step)[0])).toEqual(["send", "authenticate", "send", "associate"]);
    }
  });

  test("a name is no source: address type not supported", () => {
    for (const steps of associate("05 03 00 03 01 61 0000")) {
      expect(steps.at(-1)).toMatchObject({ bytes: "05080001000000000000" });
    }
  });

  test("without the means it is a command that is not supported", () => {
    for (const pieces of splits(hex(`${NONE} 05 03 00 01 00000000 0000`))) {
      const { steps } = play(new Socks5Server(false), pieces);
      expect(steps.at(-1)).toEqual({ fail: "command 3 is not supported", bytes: "05070001000000000000" });
    }
  });

  test("the reply names the relay", () => {
    expect(new Socks5Server(false, true).associated(parseIp("127.0.0.1")!, 40_000)).toEqual(
      hex("05000001 7f000001 9c40"),
    );
  });
});
