/** Playbooks of the way to TLS in MySQL, both sides, in every split; packets are those of MySQL's documentation. */
import { describe, expect, test } from "bun:test";
import { MysqlAuthentication, MysqlClient, MysqlGreeting } from "../../../../lib/session/mysql-starttls.ts";
import { hex } from "../../../conformance/three-ways.ts";
import { playPreface } from "./play-preface.ts";
import { splits } from "./play.ts";

/** "Protocol::HandshakeV10", of a server without TLS; capabilities are the bytes `ff f7`. */
const PLAIN =
  "36000000 0a352e352e322d6d3200 0b000000 647648 4049 2d434a00 fff7 08 0200 00000000000000000000000000 " +
  "2a34647c635a776b345e5d3a00";
const GREETING = PLAIN.replace("fff7", "ffff");
const SCRAMBLE = "dvH@I-CJ*4d|cZwk4^]:";
/** "Protocol::HandshakeResponse41". */
const RESPONSE =
  "54000001 8da60f00 00000001 08 0000000000000000000000000000000000000000000000 70616d00 " +
  "14ab09eef6bcb1323e61143865c0991d957d75d447 7465737400 6d7973716c5f6e61746976655f70617373776f726400";
const SSL_REQUEST = `20000001 8dae0f00 00000001 08 ${"00".repeat(23)}`;
const latin = (text: string) => Buffer.from(hex(text)).toString("latin1");

describe("the greeting", () => {
  test("is passed on without the offer of TLS", () => {
    for (const pieces of splits(hex(GREETING))) {
      const steps = playPreface(new MysqlGreeting(), pieces);
      expect(steps).toEqual([{ done: { bytes: hex(PLAIN), scramble: Buffer.from(SCRAMBLE) }, rest: "" }]);
    }
  });

  test.each([
    ["mysql_refused", PLAIN, "the server offers no TLS"],
    ["mysql_pipelined", `${GREETING} 00`, "the server sent more than its greeting"],
    ["mysql_error", "0b000000 ff 1004 546f6f206d616e79", 'the server answered "Too many"'],
    [
      "mysql_malformed",
      GREETING.replace("36000000", "36000001"),
      "the server does not speak MySQL: the greeting has the number 1",
    ],
    ["mysql_malformed", "05000000 0a352e3500", "the server does not speak MySQL: the greeting is cut short"],
    ["mysql_malformed", "02000000 0935", "the server does not speak MySQL: this is no greeting of protocol 10"],
    ["mysql_malformed", "ffffff00", "the server does not speak MySQL: a packet has 16777215 bytes"],
  ])("is refused: %s", (code, bytes, reason) => {
    expect(playPreface(new MysqlGreeting(), [hex(bytes)])).toEqual([{ fail: code, reason }]);
  });
});

describe("the response", () => {
  const greeting = { send: latin(PLAIN) };

  test("becomes a request for TLS, and the same within TLS, one number up", () => {
    const secured = RESPONSE.replace("54000001 8da60f00", "54000002 8dae0f00");
    const value = { sslRequest: hex(SSL_REQUEST), secured: hex(secured) };
    for (const pieces of splits(hex(RESPONSE)))
      expect(playPreface(new MysqlClient(hex(PLAIN)), pieces)).toEqual([greeting, { done: value, rest: "" }]);
    const more = playPreface(new MysqlClient(hex(PLAIN)), [hex(`${RESPONSE} 0102`)]);
    expect(more).toEqual([greeting, { done: value, rest: "\x01\x02" }]);
  });

  test.each([
    [RESPONSE.replace("54000001", "54000000"), "the response has the number 0"],
    [RESPONSE.replace("8da6", "8dae"), "the client asks for TLS that nobody offered"],
    [RESPONSE.replace("8da6", "8da4"), "the client is older than 4.1"],
    ["04000001 8da60f00", "the response is cut short"],
  ])("is refused: %#", (bytes, reason) => {
    const fail = { fail: "mysql_malformed", reason: `the client does not speak MySQL: ${reason}` };
    expect(playPreface(new MysqlClient(hex(PLAIN)), [hex(bytes)])).toEqual([greeting, fail]);
  });
});

describe("the authentication", () => {
  const KEY = {
    pem: Buffer.from("key"),
    open: (bytes: Uint8Array) => (bytes[0] === 0x65 ? bytes.slice(1) : undefined),
  };
  const begin = () => new MysqlAuthentication(Buffer.from("abcdefghijklmnopqrst"), KEY);

  /** What comes out for either side, and whether it is over. */
  function say(
    session: MysqlAuthentication,
    from: "client" | "server",
    pieces: readonly Uint8Array[],
  ): [toServer: string, toClient: string, over: boolean] {
    let [toServer, toClient, over] = ["", "", false];
    for (const piece of pieces) {
      const step = from === "client" ? session.clientSaid(piece) : session.serverSaid(piece);
      if (step.type === "bad") throw new Error(step.reason);
      toServer += Buffer.from(step.toServer).toString("hex");
      toClient += Buffer.from(step.toClient).toString("hex");
      over ||= step.over;
    }
    return [toServer, toClient, over];
  }
  const run = (from: "client" | "server", pieces: readonly Uint8Array[]) => say(begin(), from, pieces);

  test("of the client is numbered one up, also behind the last number there is", () => {
    for (const pieces of splits(hex("03000003 616263 00000005")))
      expect(run("client", pieces)).toEqual(["0300000461626300000006", "", false]);
    expect(run("client", [hex("010000ff 61")])).toEqual(["0100000061", "", false]);
  });

  test("of the server is numbered one down, up to what ends it; what is behind stays as it is", () => {
    // A switch of the method (fe), more of it (01), and OK (00).
    const packets = "02000003 fe61 01000005 01 02000007 0000";
    const down = "02000002fe610100000401020000060000";
    for (const pieces of splits(hex(packets))) expect(run("server", pieces)).toEqual(["", down, true]);
    expect(run("server", [hex(`${packets} 01000000 00`)])).toEqual(["", `${down}0100000000`, true]);
    expect(run("server", [hex("02000003 ff15")])).toEqual(["", "02000002ff15", true]);
  });

  describe("with a password that the server wants to have itself", () => {
    /** "e", and then `password` with a zero, as `scramble` masks it. */
    const encrypted = (password: string, scramble: string) =>
      [0x65, ...Buffer.from(`${password}\0`).map((byte, i) => byte ^ scramble.charCodeAt(i % 20))]
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join("");
    const packet = (number: number, payload: string) =>
      `${(payload.length / 2).toString(16).padStart(2, "0")}0000${number.toString(16).padStart(2, "0")}${payload}`;
    const PLAIN_PASSWORD = Buffer.from("a password of more than twenty bytes\0").toString("hex");

    test.each([
      ["of the greeting", "", "abcdefghijklmnopqrst", 3],
      ["of a switch", `fe${Buffer.from("x\0").toString("hex")}`, "ABCDEFGHIJKLMNOPQRST", 5],
    ])("the client gets our key, and the server the password: scramble %s", (_, switching, scramble, number) => {
      const asked = packet(number, "0104");
      const wish = packet(number, "02");
      const sent = packet(number + 2, encrypted("a password of more than twenty bytes", scramble));
      for (const pieces of splits(hex(sent))) {
        const session = begin();
        if (switching !== "") {
          const payload = `${switching}${Buffer.from(`${scramble}\0`).toString("hex")}`;
          expect(say(session, "server", [hex(packet(3, payload))])).toEqual(["", packet(2, payload), false]);
          expect(say(session, "client", [hex(packet(3, "77"))])).toEqual([packet(4, "77"), "", false]);
        }
        expect(say(session, "server", [hex(asked)])).toEqual(["", packet(number - 1, "0104"), false]);
        expect(say(session, "client", [hex(wish)])).toEqual(["", packet(number + 1, "016b6579"), false]);
        expect(say(session, "client", pieces)).toEqual([packet(number + 1, PLAIN_PASSWORD), "", false]);
        expect(say(session, "server", [hex(packet(number + 2, "00"))])).toEqual(["", packet(number + 3, "00"), true]);
      }
    });

    test("what is not encrypted to our key goes nowhere", () => {
      const session = begin();
      say(session, "server", [hex(packet(3, "0104"))]);
      say(session, "client", [hex(packet(3, "02"))]);
      const reason = "the client's password is not encrypted to our key";
      expect(session.clientSaid(hex(packet(5, "6162")))).toEqual({ type: "bad", reason });
    });

    test("nobody else is given a key", () => {
      expect(run("client", [hex(packet(3, "02"))])).toEqual([packet(4, "02"), "", false]);
      const session = begin();
      say(session, "server", [hex(packet(3, "0104"))]);
      // It has the server's key already, or believes in TLS.
      expect(say(session, "client", [hex(packet(3, "0202"))])).toEqual([packet(4, "0202"), "", false]);
      const other = begin();
      say(other, "server", [hex(packet(3, "010400"))]);
      expect(say(other, "client", [hex(packet(3, "02"))])).toEqual([packet(4, "02"), "", false]);
      const fast = begin();
      say(fast, "server", [hex(packet(3, "0103"))]);
      expect(say(fast, "client", [hex(packet(3, "02"))])).toEqual([packet(4, "02"), "", false]);
    });
  });

  test("ends at a packet that is too long", () => {
    expect(begin().clientSaid(hex("ffffff03"))).toEqual({ type: "bad", reason: "a packet has 16777215 bytes" });
  });
});
