/** Who may come in over TLS: by the certificate, by the mode of the listener, by the protocol inside. Facts and decisions of each. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection } from "node:net";
import { authority, save, selfSigned, type Certified } from "../support/pki.ts";
import { countingTarget, type CountingTarget } from "../support/counting-target.ts";
import { Scene } from "../support/scene.ts";
import { startProxy, until, type RunningProxy } from "./harness.ts";
import { askOn, GREETING, RawClient, socks5Request } from "./raw-client.ts";

setDefaultTimeout(60_000);

const ca = authority("Ways in");
const others = authority("Others");
const servers = authority("Servers");
const alice = ca.issue({ cn: "alice", ou: ["staff"], san: ["DNS:alice.example"] });
const revoked = ca.issue({ cn: "alice", nth: 1 });

const scene = new Scene();
afterAll(() => scene.close());

/** Each mode of the listener, by the flags beside the identity. */
const MODES = {
  "certificate required": ["--client-cert", "required"],
  "certificate optional": ["--client-cert", "optional"],
  "TLS and certificate optional": ["--tls", "optional", "--client-cert", "optional"],
  "no certificate asked for": [],
  "TLS optional, no certificate asked for": ["--tls", "optional"],
} as const;
type Mode = keyof typeof MODES;

/** Who comes; undefined comes without a certificate. */
const CLIENTS: Record<string, Certified | undefined> = {
  none: undefined,
  valid: alice,
  "of the wrong name": ca.issue({ cn: "mallory" }),
  expired: ca.issue({ cn: "alice", from: -9, to: -1 }),
  "not yet valid": ca.issue({ cn: "alice", from: 2, to: 9 }),
  revoked,
  "of another authority": others.issue({ cn: "alice" }),
  "signed by itself": selfSigned({ cn: "alice" }),
  "for servers only": ca.issue({ cn: "alice", eku: "serverAuth" }),
};

const REFUSED: Record<string, string> = {
  expired: "expired",
  "not yet valid": "not_yet_valid",
  revoked: "revoked",
  "of another authority": "unknown_ca",
  // The runtime looks for a list of its issuer first.
  "signed by itself": "no_crl",
  "for servers only": "wrong_purpose",
};

/** What becomes of a client: the policy that lets it out, `denied`, or the reason for which it does not come in. */
function expected(mode: Mode, who: string): string {
  if (mode.includes("no certificate asked for")) return "guest";
  if (who === "none") return mode === "certificate required" ? "no_certificate" : "guest";
  return REFUSED[who] ?? (who === "valid" ? "alice" : "denied");
}

const POLICY = `
policy alice { when defined client.cn and client.cn == "alice" and "alice.example" in client.dns and dest.ip in [127.0.0.0/8] action allow }
policy guest { when client.auth == "tls" and not (defined client.cn) and dest.ip in [127.0.0.0/8] action allow }
`;

let target: CountingTarget;
const proxies = new Map<string, RunningProxy>();
const identity = save(scene, "server", servers.issue());
const clientTrust = [
  ["--cacert", scene.write("ca.pem", ca.cert)],
  ["--crl", scene.write("crl.pem", ca.crl({ revoked: [revoked] }))],
].flat();

beforeAll(async () => {
  target = await countingTarget(scene);
  for (const [mode, flags] of Object.entries(MODES)) {
    const trust = mode.includes("no certificate asked for") ? [] : clientTrust;
    const way = ["--cert", identity.cert, "--key", identity.key, ...trust, ...flags];
    proxies.set(mode, await startProxy(POLICY, way));
  }
});
afterAll(async () => {
  for (const proxy of proxies.values()) await proxy.stop();
});

const optionsOf = (who: Certified | undefined, version: "TLSv1.2" | "TLSv1.3" = "TLSv1.3") => ({
  ca: servers.cert,
  minVersion: version,
  maxVersion: version,
  ...(who && { cert: who.chain, key: who.key }),
});

const ROWS = Object.keys(MODES).flatMap((mode) =>
  Object.keys(CLIENTS).flatMap((who) =>
    (["socks5", "connect"] as const).flatMap((protocol) =>
      (["TLSv1.2", "TLSv1.3"] as const).map((version) => [mode as Mode, who, protocol, version] as const),
    ),
  ),
);

test.each(ROWS)(
  "weaknesses 6.2.8 and 6.2.18: %s: a certificate %s, %s inside %s",
  async (mode, who, protocol, version) => {
    const proxy = proxies.get(mode)!;
    const outcome = expected(mode, who);
    const before = target.connections;
    const [decisions, rejects] = [proxy.events("decision").length, proxy.events("reject").length];
    const client = await RawClient.openTls(proxy.port, optionsOf(CLIENTS[who], version));
    if (outcome === "alice" || outcome === "guest" || outcome === "denied") {
      const answer = await askOn(client, protocol, "127.0.0.1", target.port);
      expect(answer.open).toBe(outcome !== "denied");
      const decision = await until(() => proxy.events("decision")[decisions], "the decision");
      expect(decision).toMatchObject({
        decision: outcome === "denied" ? "deny" : "allow",
        policy: outcome === "denied" ? null : outcome,
        tls: { version },
        facts: { "client.auth": "tls" },
      });
      const cn = mode.includes("no certificate asked for")
        ? undefined
        : { alice: "alice", denied: "mallory" }[outcome as string];
      expect(decision.facts["client.cn"]).toBe(cn as never);
      expect(/CN=(\w+)/.exec(decision.certificate?.subject ?? "")?.[1]).toBe(cn as never);
      if (answer.open) {
        client.write("over and back");
        expect((await client.read(13)).toString()).toBe("over and back");
        expect(target.connections).toBe(before + 1);
      }
    } else {
      await client.rest();
      const reject = await until(() => proxy.events("reject")[rejects], "the record of the refusal");
      expect(reject.reason).toBe(outcome);
      expect(proxy.events("decision")).toHaveLength(decisions);
      expect(target.connections).toBe(before);
    }
    client.socket.destroy();
  },
);

describe("weakness 6.2.6: in the clear, next to TLS", () => {
  const CLEAR = Object.keys(MODES).flatMap((mode) =>
    (["socks5", "connect"] as const).map((by) => [mode as Mode, by] as const),
  );
  test.each(CLEAR)("%s: %s", async (mode, protocol) => {
    const proxy = proxies.get(mode)!;
    const [decisions, rejects, before] = [
      proxy.events("decision").length,
      proxy.events("reject").length,
      target.connections,
    ];
    const client = await RawClient.open(proxy.port);
    if (MODES[mode].includes("--tls" as never)) {
      // Came in, and the policy wants TLS.
      expect((await askOn(client, protocol, "127.0.0.1", target.port)).open).toBe(false);
      const decision = await until(() => proxy.events("decision")[decisions], "the decision");
      expect(decision).toMatchObject({ decision: "deny", facts: { "client.auth": "none" } });
      expect(decision.tls).toBeUndefined();
    } else {
      client.write(
        protocol === "socks5"
          ? Buffer.concat([GREETING, socks5Request("127.0.0.1", 1)])
          : "CONNECT a:1 HTTP/1.1\r\n\r\n",
      );
      await client.rest();
      expect(await until(() => proxy.events("reject")[rejects], "the refusal")).toMatchObject({ reason: "not_tls" });
    }
    expect(target.connections).toBe(before);
  });
});

const REQUIRED: Mode = "certificate required";

test("a client over TLS gets no association: its datagrams would come in the clear", async () => {
  const proxy = await startProxy(POLICY, ["--udp", "--cert", identity.cert, "--key", identity.key]);
  const client = await RawClient.openTls(proxy.port, optionsOf(undefined));
  client.write(Buffer.concat([GREETING, Buffer.from("05030001000000000000", "hex")]));
  expect((await client.read(4)).toString("hex")).toBe("05000507");
  client.socket.destroy();
  expect(await proxy.drain()).toBe(0);
});

test("TLS inside TLS is no protocol of the proxy", async () => {
  const proxy = proxies.get(REQUIRED)!;
  const rejects = proxy.events("reject").length;
  const client = await RawClient.openTls(proxy.port, optionsOf(alice));
  client.write(Buffer.from("16030100050100000100", "hex"));
  await client.closed;
  expect(await until(() => proxy.events("reject")[rejects], "the refusal")).toMatchObject({
    reason: "protocol",
    certificate: { subject: expect.stringContaining("CN=alice") },
  });
});

test.each(Object.keys(MODES))(
  "weakness 6.1.9: %s: a handshake that comes byte by byte is whole all the same",
  async (mode) => {
    const proxy = proxies.get(mode)!;
    const below = createConnection({ port: proxy.port, host: "127.0.0.1", noDelay: true });
    const slow = await trickling(below);
    const client = await RawClient.openTls(slow.port, optionsOf(alice));
    expect((await askOn(client, "socks5", "127.0.0.1", target.port)).open).toBe(true);
    client.socket.destroy();
    slow.close();
  },
);

/** A relay in front of `upstream` that passes the client's first 3,000 bytes on one by one. */
async function trickling(upstream: ReturnType<typeof createConnection>) {
  const { createServer } = await import("node:net");
  const server = createServer((socket) => {
    upstream
      .on("data", (chunk) => socket.write(chunk))
      .on("error", () => {})
      .on("close", () => socket.destroy());
    let passed = 0;
    let turn = Promise.resolve();
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      turn = turn.then(async () => {
        const pieces = passed < 3000 ? Array.from(chunk, (byte) => Buffer.of(byte)) : [chunk];
        passed += chunk.length;
        for (const piece of pieces) {
          upstream.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as { port: number }).port, close: () => (server.close(), upstream.destroy()) };
}

const HELLO = Buffer.from("1603010200010001fc0303", "hex");
test.each([
  ["half of a hello, and silence", HELLO, "handshake_timeout"],
  ["half of a hello, and the end", HELLO, "handshake_closed"],
  ["garbage in a record", Buffer.concat([Buffer.from("1603010010", "hex"), Buffer.alloc(16, 0xaa)]), "tls_protocol"],
  ["an endless record", Buffer.concat([Buffer.from("160301ffff", "hex"), Buffer.alloc(65_535)]), "tls_protocol"],
] as const)("%s: refused, and nothing stays open", async (what, bytes, reason) => {
  const flags = ["--cert", identity.cert, "--key", identity.key, "--handshake-timeout", "500ms"];
  const proxy = await startProxy(POLICY, flags);
  const client = await RawClient.open(proxy.port);
  client.write(bytes);
  if (what.endsWith("the end")) client.end();
  const reject = await proxy.event("reject");
  expect(reject.reason).toBe(reason);
  client.socket.destroy();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
});

test.each([
  ["nothing", ""],
  ["half of a greeting", "\u0005\u0003\u0000"],
  ["half of a head", "CONNECT a.example:443 HTTP/1.1\r\nA: b\r\n"],
])("weakness 6.2.9: %s inside TLS, and then silence: cut", async (_, said) => {
  const flags = ["--cert", identity.cert, "--key", identity.key, "--handshake-timeout", "500ms"];
  const proxy = await startProxy(POLICY, flags);
  const client = await RawClient.openTls(proxy.port, optionsOf(undefined));
  client.write(said);
  await client.rest();
  expect(await proxy.event("reject")).toMatchObject({ reason: "timeout" });
  client.socket.destroy();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
});

describe("behind a proxy that is believed", () => {
  const HEADER = Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.2 1111 2222\r\n");
  const BY_HEADER =
    "policy named { when client.ip == 192.0.2.7 and peer.ip == 127.0.0.1 and dest.ip in [127.0.0.0/8] action allow }";
  const cases = [
    ["in the clear", []],
    ["ahead of TLS", ["--cert", identity.cert, "--key", identity.key]],
  ] as const;

  test.each(cases)("%s: the client is whom the header names", async (_, flags) => {
    const proxy = await startProxy(BY_HEADER, ["--accept-proxy-from", "127.0.0.1", ...flags]);
    const open =
      flags.length === 0 ? RawClient.open(proxy.port) : RawClient.openTls(proxy.port, optionsOf(undefined), HEADER);
    const client = await open;
    if (flags.length === 0) client.write(HEADER);
    expect((await askOn(client, "socks5", "127.0.0.1", target.port)).open).toBe(true);
    expect(await proxy.event("decision")).toMatchObject({ client: "192.0.2.7:1111", policy: "named" });
    client.socket.destroy();
    expect(await proxy.drain()).toBe(0);
  });

  test.each([
    ["none where there must be one", "127.0.0.1", "", "proxy_header_missing"],
    ["one where there may be none", "192.0.2.0/24", HEADER.toString(), "proxy_header_untrusted"],
    ["a broken one", "127.0.0.1", "PROXY TCP4 nowhere\r\n", "proxy_header_malformed"],
  ] as const)("%s is refused", async (_, from, header, reason) => {
    const proxy = await startProxy(BY_HEADER, ["--accept-proxy-from", from]);
    const before = target.connections;
    const client = await RawClient.open(proxy.port);
    client.write(header + "\u0005\u0001\u0000");
    await client.closed;
    expect(await proxy.event("reject")).toMatchObject({ reason });
    expect(proxy.events("decision")).toHaveLength(0);
    expect(target.connections).toBe(before);
    await proxy.stop();
  });

  test("limits count clients by the address of the header", async () => {
    const flags = ["--accept-proxy-from", "127.0.0.1", "--max-conns-per-client", "1"];
    const proxy = await startProxy("policy all { when dest.ip in [127.0.0.0/8] action allow }", flags);
    const from = async (ip: string): Promise<[RawClient, number]> => {
      const client = await RawClient.open(proxy.port);
      client.write(`PROXY TCP4 ${ip} 192.0.2.2 1111 2222\r\n`);
      return [client, (await askOn(client, "connect", "127.0.0.1", target.port)).code];
    };
    const opened = [await from("192.0.2.7"), await from("192.0.2.7"), await from("192.0.2.8")];
    expect(opened.map(([, code]) => code)).toEqual([200, 503, 200]);
    for (const [client] of opened) client.socket.destroy();
    expect(await proxy.drain()).toBe(0);
  });
});
