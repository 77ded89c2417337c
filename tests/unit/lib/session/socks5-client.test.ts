/** Playbooks of a SOCKS5 client: bytes in, steps out, in every split. */
import { describe, expect, test } from "bun:test";
import { Socks5Client } from "../../../../lib/session/socks5-client.ts";
import { Socks5Server } from "../../../../lib/session/socks5-server.ts";
import { hex } from "../../../conformance/three-ways.ts";
import { playPreface, type NotedStep } from "./play-preface.ts";
import { splits } from "./play.ts";

const TARGET = { host: "db.example", port: 5432 };
const text = (digits: string) => Buffer.from(hex(digits)).toString("latin1");
const NAME = "05 01 00 03 0a 64622e6578616d706c65 1538";
const OPEN = "05 00 00 01 00000000 0000";

/** Bytes that come together with what ends the dialogue stay with it; others follow it. */
function played(client: () => Socks5Client, digits: string): NotedStep<undefined>[][] {
  return [...splits(hex(digits))].map((pieces) => {
    const steps = playPreface(client(), pieces);
    expect(pieces.length === 1 || steps.length > 0).toBe(true);
    return steps;
  });
}

function expectPlayed(client: () => Socks5Client, digits: string, steps: object[]): void {
  for (const noted of played(client, digits)) expect(noted).toEqual(steps as NotedStep<undefined>[]);
}

describe("without credentials", () => {
  const client = () => new Socks5Client(TARGET, undefined);

  test("a name is passed on unresolved", () => {
    expectPlayed(client, `05 00 ${OPEN}`, [
      { send: text("05 01 00") },
      { send: text(NAME) },
      { done: undefined, rest: "" },
    ]);
  });

  test.each([
    ["192.0.2.1", "05 01 00 01 c0000201 1538"],
    ["2001:db8::1", "05 01 00 04 20010db8000000000000000000000001 1538"],
  ])("%s is passed on as an address", (host, digits) => {
    const [, request] = playPreface(new Socks5Client({ host, port: 5432 }, undefined), [hex("05 00")]);
    expect(request).toEqual({ send: text(digits) });
  });

  test.each([
    ["IPv4", OPEN],
    ["IPv6", `05 00 00 04 ${"00".repeat(16)} 0000`],
    ["a name", "05 00 00 03 02 6162 0000"],
    ["an empty name", "05 00 00 03 00 0000"],
  ])("the bound address may be %s, and what stands behind the reply is kept", (_, reply) => {
    const steps = playPreface(client(), [hex("05 00"), hex(`${reply} 534348`)]);
    expect(steps.at(-1)).toEqual({ done: undefined, rest: "SCH" });
    expectPlayed(client, `05 00 ${reply}`, steps.slice(0, 2).concat({ done: undefined, rest: "" }));
  });

  test("a server that wants credentials", () => {
    expectPlayed(client, "05 ff", [
      { send: text("05 01 00") },
      { fail: "proxy_credentials", reason: "the proxy wants credentials" },
    ]);
  });

  test.each([
    [1, "proxy_failed"],
    [2, "proxy_denied"],
    [3, "proxy_network_unreachable"],
    [4, "proxy_host_unreachable"],
    [5, "proxy_refused"],
    [6, "proxy_timeout"],
    [7, "proxy_failed"],
    [8, "proxy_failed"],
    [9, "proxy_failed"],
    [255, "proxy_failed"],
  ])("the reply %d is %s, however much of it comes", (reply, code) => {
    for (const digits of ["", "00 01", "00 01 00000000 0000"]) {
      const bytes = Uint8Array.of(5, 0, 5, reply, ...hex(digits));
      for (const pieces of splits(bytes)) {
        const step = playPreface(client(), pieces).at(-1);
        expect(step).toMatchObject({ fail: code, reason: expect.stringContaining(`(SOCKS5 reply ${reply})`) });
      }
    }
  });

  test.each([
    ["another version", "48", 1],
    ["a method that was not offered", "05 02", 1],
    ["a private method", "05 80", 1],
    ["another version in the reply", "05 00 04", 2],
    ["an address type that is not known", "05 00 05 00 00 02", 2],
  ])("no SOCKS5: %s", (_, digits, sent) => {
    for (const steps of played(client, digits)) {
      expect(steps).toHaveLength(sent + 1);
      expect(steps.at(-1)).toMatchObject({ fail: "proxy_malformed" });
    }
  });

  test("an end before the answer", () => {
    for (const digits of ["", "05", "05 00", `05 00 ${OPEN}`.slice(0, -2)]) {
      const steps = playPreface(client(), digits === "" ? [] : [hex(digits)], true);
      expect(steps.at(-1)).toMatchObject({ fail: "proxy_malformed", reason: expect.stringContaining("ended") });
    }
  });

  test("nothing follows a failure", () => {
    const session = client();
    expect(session.receive(hex("05 ff"))).toHaveLength(1);
    expect(session.receive(hex(`05 00 ${OPEN}`))).toEqual([]);
  });
});

describe("with credentials", () => {
  const client = () => new Socks5Client(TARGET, { user: "ann", password: "pé" });
  const GREETING = { send: text("05 02 00 02") };
  const PASSWORD = { send: text("01 03 616e6e 03 70c3a9") };

  test("they are sent where the server asks for them", () => {
    expectPlayed(client, `05 02 01 00 ${OPEN}`, [
      GREETING,
      PASSWORD,
      { send: text(NAME) },
      { done: undefined, rest: "" },
    ]);
  });

  test("and nowhere else", () => {
    expectPlayed(client, `05 00 ${OPEN}`, [GREETING, { send: text(NAME) }, { done: undefined, rest: "" }]);
  });

  test("refused: a failure that does not repeat them", () => {
    for (const status of ["01", "ff"]) {
      expectPlayed(client, `05 02 01 ${status}`, [
        GREETING,
        PASSWORD,
        { fail: "proxy_credentials", reason: "the proxy refuses the user or the password" },
      ]);
    }
  });

  test("another version of the sub-negotiation", () => {
    expect(playPreface(client(), [hex("05 02 05 00")]).at(-1)).toMatchObject({ fail: "proxy_malformed" });
  });

  test("no method at all", () => {
    expect(playPreface(client(), [hex("05 ff")]).at(-1)).toMatchObject({ fail: "proxy_credentials" });
  });
});

test("our own server understands it", () => {
  const client = new Socks5Client(TARGET, { user: "ann", password: "pw" });
  const server = new Socks5Server(true);
  const toServer = client.start();
  let request: object | undefined;
  for (let step = toServer.shift(); step?.type === "send"; step = toServer.shift()) {
    for (const answer of server.receive(step.bytes)) {
      if (answer.type === "send") toServer.push(...client.receive(answer.bytes));
      if (answer.type === "request") ({ request } = answer);
      if (answer.type !== "authenticate") continue;
      for (const verdict of server.authenticated(answer.user === "ann")) {
        if (verdict.type === "send") toServer.push(...client.receive(verdict.bytes));
      }
    }
  }
  expect(request).toMatchObject(TARGET);
  expect(client.receive(server.accept())).toMatchObject([{ type: "done" }]);
});
