/** Playbooks of the way to TLS in PostgreSQL, both sides, in every split. */
import { describe, expect, test } from "bun:test";
import { PostgresClient, PostgresServer } from "../../../../lib/session/postgres-starttls.ts";
import { ascii, hex } from "../../../conformance/three-ways.ts";
import { playPreface } from "./play-preface.ts";
import { splits } from "./play.ts";

const SSL = "00000008 04d2162f";
const GSSENC = "00000008 04d21630";
const CANCEL = "00000010 04d2162e 00000001 00000002";
const STARTUP = "00000017 00030000 7573657200 7800 646174616261736500 00";
const GRANTED = { send: "S" };
const DENIED = { send: "N" };

describe("the server", () => {
  const server = () => new PostgresServer();

  test("grants TLS to who asks for it", () => {
    for (const pieces of splits(hex(SSL))) {
      expect(playPreface(server(), pieces)).toEqual([GRANTED, { done: { direct: false }, rest: "" }]);
    }
  });

  test("denies GSSAPI encryption, and grants TLS afterwards", () => {
    for (const first of splits(hex(GSSENC))) {
      for (const second of splits(hex(SSL))) {
        const steps = playPreface(server(), [...first, ...second]);
        expect(steps).toEqual([DENIED, GRANTED, { done: { direct: false }, rest: "" }]);
      }
    }
  });

  test("takes TLS that begins unasked, from its first byte", () => {
    expect(playPreface(server(), [ascii("\x16\x03\x01")])).toEqual([{ done: { direct: true }, rest: "\x16\x03\x01" }]);
    expect(playPreface(server(), [ascii("\x16")])).toEqual([{ done: { direct: true }, rest: "\x16" }]);
  });

  test.each([
    ["an SSLRequest", SSL],
    ["a GSSENCRequest", GSSENC],
  ])("refuses what comes along with %s, and grants nothing", (_, request) => {
    for (const behind of ["00", STARTUP, "160301", SSL]) {
      expect(playPreface(server(), [hex(`${request} ${behind}`)])).toEqual([
        {
          fail: "postgres_pipelined",
          reason: "the client sent more than its request before TLS",
          bytes: expect.stringContaining("C08P01\0Mdata was sent before TLS was established\0"),
        },
      ]);
      // Cut within the request: what completes it brings more.
      const [head, tail] = [hex(request).slice(0, 5), Uint8Array.from([...hex(request).slice(5), ...hex(behind)])];
      expect(playPreface(server(), [head, tail])).toMatchObject([{ fail: "postgres_pipelined" }]);
    }
  });

  test("refuses a session in the clear, in words that clients show", () => {
    for (const pieces of splits(hex(STARTUP))) {
      const [step, ...more] = playPreface(server(), pieces);
      expect(more).toEqual([]);
      expect(step).toMatchObject({ fail: "postgres_plaintext" });
      expect((step as { bytes: string }).bytes).toMatch(
        /^E\0\0\0.SFATAL\0VFATAL\0C28000\0Mthis server takes connections over TLS only/s,
      );
    }
    expect(playPreface(server(), [hex(GSSENC), hex(STARTUP)])).toMatchObject([DENIED, { fail: "postgres_plaintext" }]);
  });

  test("refuses to cancel in the clear, without a word", () => {
    for (const pieces of splits(hex(CANCEL))) {
      expect(playPreface(server(), pieces)).toEqual([
        { fail: "postgres_plaintext", reason: "the client cancels a query without TLS" },
      ]);
    }
  });

  test.each([
    ["GSSAPI again", [GSSENC, GSSENC]],
    ["TLS unasked after GSSAPI", [GSSENC, "160301"]],
  ])("refuses %s", (_, requests) => {
    const steps = playPreface(server(), requests.map(hex));
    expect(steps).toEqual([DENIED, { fail: "postgres_malformed", reason: expect.any(String) }]);
  });

  test.each(["GET / HTTP/1.1\r\n", "\0\0\0\x08\0\x01\0\0", "\0\0\0\0"])("refuses what is no PostgreSQL: %j", (text) => {
    for (const pieces of splits(ascii(text)))
      expect(playPreface(server(), pieces)).toMatchObject([{ fail: "postgres_malformed" }]);
  });

  test("a client that leaves", () => {
    for (const pieces of [[], [hex(SSL).slice(0, 7)], [hex(GSSENC)]]) {
      expect(playPreface(server(), pieces, true).at(-1)).toMatchObject({ fail: "postgres_malformed" });
    }
  });

  test("asks for nothing after its end", () => {
    const session = server();
    expect(session.receive(hex(SSL))).toHaveLength(2);
    expect(session.receive(hex(SSL))).toEqual([]);
  });
});

describe("the client", () => {
  const ASKED = { send: Buffer.from(hex(SSL)).toString("latin1") };
  const client = () => new PostgresClient();
  const error = ascii('SFATAL\0C53300\0Mtoo "many"\n\0\0');
  const ERROR = Uint8Array.from([0x45, 0, 0, 0, error.length + 4, ...error]);

  test("asks, and goes on at a yes", () => {
    expect(playPreface(client(), [ascii("S")])).toEqual([ASKED, { done: undefined, rest: "" }]);
  });

  test("a no", () => {
    expect(playPreface(client(), [ascii("N")])).toEqual([
      ASKED,
      { fail: "postgres_refused", reason: "the server grants no TLS" },
    ]);
    expect(playPreface(client(), [ascii("N more")]).at(-1)).toMatchObject({ fail: "postgres_refused" });
  });

  test("an error, whose message is quoted", () => {
    for (const pieces of splits(ERROR)) {
      expect(playPreface(client(), pieces)).toEqual([
        ASKED,
        { fail: "postgres_error", reason: 'the server answered "too \\"many\\"\\n"' },
      ]);
    }
  });

  test("refuses a yes with anything behind it", () => {
    for (const text of ["S\0", "SS", "S\x16\x03\x03", "SE\0\0\0\x05\0"]) {
      expect(playPreface(client(), [ascii(text)])).toEqual([
        ASKED,
        { fail: "postgres_pipelined", reason: "the server sent more than its answer before TLS" },
      ]);
    }
  });

  test.each(["HTTP/1.1 400", "\x16\x03\x03", "s", "\0"])("refuses what is no answer: %j", (text) => {
    for (const pieces of splits(ascii(text))) {
      expect(playPreface(client(), pieces)).toMatchObject([ASKED, { fail: "postgres_malformed" }]);
    }
  });

  test("a server that leaves", () => {
    for (const pieces of [[], [ERROR.slice(0, -1)]]) {
      expect(playPreface(client(), pieces, true).at(-1)).toMatchObject({ fail: "postgres_malformed" });
    }
  });
});

test("one understands the other", () => {
  const [client, server] = [new PostgresClient(), new PostgresServer()];
  const [asked] = client.start();
  const [answered, done] = server.receive(asked?.type === "send" ? asked.bytes : hex(""));
  expect(done).toMatchObject({ type: "done" });
  expect(client.receive(answered?.type === "send" ? answered.bytes : hex(""))).toMatchObject([{ type: "done" }]);
});
