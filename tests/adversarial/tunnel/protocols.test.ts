/** Clients of `tunnel server` that speak no TLS, an old one or a broken one, and PROXY headers from whoever may send none. */
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { needing } from "../../support/needs.ts";
import { authority } from "../../support/pki.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { createPrng } from "../prng.ts";
import { expectRefusals, WORD, type Attempt } from "./refusal.ts";
import { PROXY_HEADER, ServerStage, VERSIONS } from "./server-stage.ts";

setDefaultTimeout(60_000);

/** Of each kind, at the same time. */
const PARALLEL = 5;

const ca = authority("Clients");
const alice = ca.issue({ cn: "alice" });

/** HAProxy's proxy-protocol.txt 2.2: PROXY, TCP over IPv4, 12 bytes of addresses. */
const PROXY_V2 = Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000201c0000202045708ae", "hex");
const { seed, bytes } = createPrng();

interface Raw {
  name: string;
  tunnel: string;
  send: Uint8Array | string;
  /** What the client does behind it; `wait` lets the server end it. */
  act?: "end" | "reset" | "wait";
  reason: string;
}

const SSLREQUEST = Buffer.from("0000000804d2162f", "hex");
const SSLV2_HELLO = Buffer.from(
  "802e0100020015000000100100800200800300800400800500800600400700c0" + "00".repeat(16),
  "hex",
);
/** A handshake record of 512 bytes, of which 11 come: the beginning of a ClientHello. */
const HALF_HELLO = Buffer.from("1603010200010001fc0303", "hex");

const RAW: Raw[] = [
  { name: "HTTP", tunnel: "all", send: `GET / HTTP/1.1\r\nHost: localhost\r\n\r\n${WORD}`, reason: "not_tls" },
  { name: "CONNECT", tunnel: "all", send: `CONNECT localhost:1 HTTP/1.1\r\n\r\n${WORD}`, reason: "not_tls" },
  { name: "SSH", tunnel: "all", send: `SSH-2.0-OpenSSH_9.2\r\n${WORD}`, reason: "not_tls" },
  { name: "PostgreSQL's request for TLS", tunnel: "all", send: SSLREQUEST, reason: "not_tls" },
  { name: "a hello of SSL 2", tunnel: "all", send: SSLV2_HELLO, reason: "not_tls" },
  {
    name: `garbage (PORTAIL_SEED=${seed})`,
    tunnel: "all",
    send: Buffer.concat([Buffer.of(0xff), bytes(600)]),
    reason: "not_tls",
  },
  {
    name: "a record that is longer than any",
    tunnel: "all",
    send: Buffer.from("160301ffff" + "00".repeat(64), "hex"),
    reason: "tls_protocol",
  },
  {
    name: "a record of application data",
    tunnel: "all",
    send: Buffer.concat([Buffer.from("170303000e", "hex"), Buffer.from(WORD)]),
    reason: "tls_protocol",
  },
  {
    name: "a handshake that begins with its end",
    tunnel: "all",
    send: Buffer.from("160303001014000000c0000000000000000000000000", "hex"),
    reason: "tls_protocol",
  },
  { name: "a fatal alert", tunnel: "all", send: Buffer.from("15030300020228", "hex"), reason: "tls_alert" },
  { name: "nothing", tunnel: "all", send: "", act: "end", reason: "handshake_closed" },
  { name: "half a hello, and the end", tunnel: "all", send: HALF_HELLO, act: "end", reason: "handshake_closed" },
  { name: "half a hello, and a reset", tunnel: "all", send: HALF_HELLO, act: "reset", reason: "handshake_closed" },
  { name: "a PROXY header where none is taken", tunnel: "all", send: PROXY_HEADER, reason: "not_tls" },

  {
    name: "a header from an address that may send none",
    tunnel: "others",
    send: PROXY_HEADER,
    reason: "proxy_header_untrusted",
  },
  { name: "a header of version 2 from there", tunnel: "others", send: PROXY_V2, reason: "proxy_header_untrusted" },
  {
    name: "a header that is cut short",
    tunnel: "proxied",
    send: PROXY_V2.subarray(0, 20),
    act: "end",
    reason: "proxy_header_malformed",
  },
  { name: "no header, but plaintext", tunnel: "proxied", send: WORD, reason: "proxy_header_missing" },
  { name: "no header, and nothing else", tunnel: "proxied", send: "", act: "end", reason: "proxy_header_missing" },
  {
    name: "a header that says nothing that can be read",
    tunnel: "proxied",
    send: "PROXY TCP4 one two 3 4\r\n",
    reason: "proxy_header_malformed",
  },
  { name: "two headers", tunnel: "proxied", send: Buffer.concat([PROXY_HEADER, PROXY_HEADER]), reason: "not_tls" },
  {
    name: "a header, and HTTP",
    tunnel: "proxied",
    send: `${PROXY_HEADER.toString()}GET / HTTP/1.1\r\n\r\n`,
    reason: "not_tls",
  },
  {
    name: "a header, and garbage",
    tunnel: "proxied",
    send: Buffer.concat([PROXY_HEADER, Buffer.of(0xff), bytes(600)]),
    reason: "not_tls",
  },
  { name: "a header, and the end", tunnel: "proxied", send: PROXY_HEADER, act: "end", reason: "handshake_closed" },
  {
    name: "a header, half a hello, and a reset",
    tunnel: "proxied",
    send: Buffer.concat([PROXY_V2, HALF_HELLO]),
    act: "reset",
    reason: "handshake_closed",
  },
];

needing("what is no TLS with a tunnel server", ["openssl", "python3"], () => {
  const scene = new Scene();
  let stage: ServerStage;
  beforeAll(async () => {
    const all = { trust: "ca", "allow-all": true };
    stage = await ServerStage.open(
      scene,
      { ca: { cacert: [scene.write("ca.pem", ca.cert)] } },
      {
        all,
        proxied: { ...all, "accept-proxy-from": ["127.0.0.1"] },
        others: { ...all, "accept-proxy-from": ["127.0.0.2", "192.0.2.0/24"] },
      },
    );
  });
  afterAll(() => scene.close());

  /** With the header that its tunnel asks for. */
  const good = (tunnel: string): Attempt[] => {
    const prefix = tunnel === "proxied" ? { prefix: PROXY_HEADER } : {};
    return VERSIONS.map((version) => () => stage.attempt("runtime", { tunnel, client: alice, version, ...prefix }));
  };

  test.each(RAW)("$name (to $tunnel)", async ({ tunnel, send, act = "wait", reason }) => {
    const { tunnel: server, base } = stage.watched;
    // A reset before the connection is accepted would leave nothing to refuse.
    let waiting: Promise<true> | undefined;
    const accepted = () => (waiting ??= until("all to be accepted", () => server.sockets() >= base + PARALLEL));
    const bad = Array.from({ length: PARALLEL }, () => () => raw(stage.port(tunnel), send, act, accepted));
    await expectRefusals({ ...stage.watched, bad, good: good(tunnel), reason });
  });

  test("TLS 1.1", async () => {
    const clients = (["openssl", "python", "runtime"] as const).map(
      (by) => () => stage.attempt(by, { tunnel: "all", client: alice, version: "TLSv1.1" }),
    );
    const behind = () =>
      stage.attempt("python", { tunnel: "proxied", client: alice, version: "TLSv1.1", prefix: PROXY_HEADER });
    await expectRefusals({ ...stage.watched, bad: [...clients, behind], good: good("all"), reason: "tls_version" });
  });

  test("TLS of a client that may come, but without the PROXY header that is to be there", async () => {
    const bad = (["openssl", "python", "runtime"] as const).flatMap((by) =>
      VERSIONS.map((version) => () => stage.attempt(by, { tunnel: "proxied", client: alice, version })),
    );
    await expectRefusals({ ...stage.watched, bad, good: good("proxied"), reason: "proxy_header_missing" });
  });

  test("TLS of a client that may come, behind a PROXY header from an address that may send none", async () => {
    const bad = [PROXY_HEADER, PROXY_V2].flatMap((prefix) =>
      VERSIONS.map((version) => () => stage.attempt("python", { tunnel: "others", client: alice, version, prefix })),
    );
    await expectRefusals({ ...stage.watched, bad, good: good("others"), reason: "proxy_header_untrusted" });
  });
});

/** Sends bytes; the word if it ever comes back, else "" once the connection is closed. */
function raw(
  port: number,
  send: Uint8Array | string,
  act: "end" | "reset" | "wait",
  accepted: () => Promise<unknown>,
): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(send);
      if (act === "end") socket.end();
      if (act === "reset") void accepted().then(() => socket.resetAndDestroy());
    });
    socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(got.includes(WORD) ? WORD : ""));
  });
}
