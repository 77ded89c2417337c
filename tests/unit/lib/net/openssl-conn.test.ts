/** TLS by the system's OpenSSL with a key that only signs; the other end is node:tls. That it is a `Conn` like others is conn.test.ts. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { connect as connectPlain } from "node:net";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { MOST_JOBS, openssl, type Openssl } from "../../../../lib/ffi/openssl.ts";
import { MemorySigner } from "../../../../lib/identity/memory-signer.ts";
import { SignerError, type Scheme, type Signer } from "../../../../lib/identity/signer.ts";
import type { Conn } from "../../../../lib/net/conn.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { openListener } from "../../../../lib/net/listen.ts";
import { secure } from "../../../../lib/net/tls.ts";
import type { HandshakeOptions } from "../../../../lib/net/tls-conn.ts";
import { createContext } from "../../../../lib/net/tls-context.ts";
import type { TlsVersion } from "../../../../lib/net/tls-flags.ts";
import { TlsFailure } from "../../../../lib/net/tls-failure.ts";
import { authority, type Certified, type KeyType } from "../../../support/pki.ts";
import { dial, handshakeOptions, NOTHING, Notes, until } from "./support.ts";

setDefaultTimeout(60_000);

const ca = authority();
const KEYS: KeyType[] = ["p256", "p384", "rsa", "ed25519"];
const VERSIONS: TlsVersion[] = ["TLSv1.2", "TLSv1.3"];
const CASES = KEYS.flatMap((key) => VERSIONS.map((version) => [key, version] as const));

/** Signs when it is let, and notes what it was asked for. */
class HeldSigner implements Signer {
  readonly name = "a test";
  readonly publicKey: Signer["publicKey"];
  readonly schemes: Scheme[] = [];
  readonly #inner: MemorySigner;
  go: Promise<void> = Promise.resolve();
  refusal: SignerError | undefined;

  constructor({ key }: Certified) {
    this.#inner = new MemorySigner("a test", createPrivateKey(key));
    this.publicKey = this.#inner.publicKey;
  }

  async sign(scheme: Scheme, message: Uint8Array): Promise<Uint8Array> {
    this.schemes.push(scheme);
    await this.go;
    if (this.refusal !== undefined) throw this.refusal;
    return this.#inner.sign(scheme, message);
  }
}

interface Served {
  port: number;
  outcomes: (Conn | TlsFailure)[];
  close(): void;
}

/** A listener whose connections are secured, and then echo. */
async function serve(options: HandshakeOptions): Promise<Served> {
  const outcomes: (Conn | TlsFailure)[] = [];
  const accept = async (plain: Conn) => {
    const conn = await secure(plain, NOTHING, true, options);
    outcomes.push(conn);
    if (conn instanceof TlsFailure) return;
    conn.attach({ data: (bytes) => void conn.write(bytes), drain() {}, end: () => conn.end(), close() {} });
  };
  const where = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const listener = await openListener(where, {}, { keepAlive: new KeepAlive(0), accept: (conn) => void accept(conn) });
  return { port: (listener.address as { port: number }).port, outcomes, close: () => listener.close() };
}

function serverOptions(of: Certified, signer: Signer, more: Partial<HandshakeOptions> = {}, crl?: string) {
  const context = createContext({ material: { cert: of.chain, signer }, ca: [ca.cert], crl: crl ? [crl] : [] });
  return handshakeOptions({ context, ...more });
}

/** What an echo server says to the client, or why there is none. */
function ask(port: number, more: object, client: Certified | undefined = ca.issue()): Promise<string> {
  const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", ca: ca.cert, ...client, ...more });
  socket.once("secureConnect", () => socket.write("hello"));
  return new Promise((resolve) => {
    socket.once("data", (bytes: Buffer) => {
      resolve(`${bytes.toString()} by ${socket.getProtocol()} ${socket.alpnProtocol}`);
      socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`));
    socket.on("close", () => resolve("closed"));
  });
}

describe("a server", () => {
  test.each(CASES)("with %s by %s", async (key, version) => {
    const of = ca.issue({ key });
    const signer = new HeldSigner(of);
    const served = await serve(serverOptions(of, signer, { protocolIds: ["ours", "echo"] }));
    const more = { minVersion: version, maxVersion: version, ALPNProtocols: ["theirs", "echo", "ours"] };
    expect(await ask(served.port, more)).toBe(`hello by ${version} ours`);
    const [conn] = served.outcomes as [Conn];
    expect(conn.tls).toMatchObject({ version, serverName: "localhost", protocolId: "ours", resumed: false });
    expect(new X509Certificate(conn.tls!.certificate!).raw).toEqual(Buffer.from(ca.issue().der));
    expect(signer.schemes).toHaveLength(1);
    served.close();
  });

  const WHO: [string, Certified | undefined, string][] = [
    ["no certificate", undefined, "no_certificate"],
    ["of another authority", authority("Another CA").issue(), "unknown_ca"],
    ["expired", ca.issue({ from: -3, to: -1 }), "expired"],
    ["not valid yet", ca.issue({ from: 1 }), "not_yet_valid"],
    ["of a server", ca.issue({ eku: "serverAuth" }), "wrong_purpose"],
    ["revoked", ca.issue({ cn: "revoked" }), "revoked"],
  ];
  test.each(WHO)("refuses a client's certificate: %s", async (_name, client, reason) => {
    const of = ca.issue();
    const crl = ca.crl({ revoked: [ca.issue({ cn: "revoked" })] });
    const served = await serve(serverOptions(of, new HeldSigner(of), {}, crl));
    const given = client === undefined ? { cert: undefined, key: undefined } : {};
    expect(await ask(served.port, given, client)).not.toContain("hello");
    await until(() => served.outcomes.length === 1, "the refusal");
    expect((served.outcomes[0] as TlsFailure).reason).toBe(reason as never);
    served.close();
  });

  test("tells a client with no protocol in common, and one that speaks no TLS", async () => {
    const of = ca.issue();
    const served = await serve(serverOptions(of, new HeldSigner(of), { protocolIds: ["ours"] }));
    expect(await ask(served.port, { ALPNProtocols: ["theirs"] })).toContain("NO_APPLICATION_PROTOCOL");
    const plain = connectPlain(served.port, "127.0.0.1").on("error", () => {});
    plain.write("GET / HTTP/1.0\r\n\r\n");
    await until(() => served.outcomes.length === 2, "both");
    expect((served.outcomes[1] as TlsFailure).reason).toBe("not_tls");
    plain.destroy();
    served.close();
  });
});

describe("a client", () => {
  test.each(CASES)("with %s by %s", async (key, version) => {
    const of = ca.issue({ key });
    const seen = Promise.withResolvers<TLSSocket>();
    const server = createServer(
      { ...ca.issue(), ca: ca.cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["echo"] },
      (socket) => seen.resolve(socket.on("error", () => {})),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const signer = new HeldSigner(of);
    const context = createContext({ material: { cert: of.chain, signer }, ca: [ca.cert], maxVersion: version });
    const plain = await dial([{ ip: "127.0.0.1", port }], 20_000);
    const conn = await secure(plain, NOTHING, false, handshakeOptions({ context, protocolIds: ["echo"] }));
    if (conn instanceof TlsFailure) throw new Error(conn.message);
    const socket = await seen.promise;
    expect(conn.tls).toMatchObject({ version, protocolId: "echo" });
    expect(Buffer.from(socket.getPeerCertificate().raw)).toEqual(Buffer.from(of.der));
    expect(signer.schemes).toHaveLength(1);
    conn.destroy();
    server.close();
  });
});

describe("a signature", () => {
  test("that takes long keeps nobody else waiting, and as many are wanted at a time as there are stacks", async () => {
    const of = ca.issue();
    const signer = new HeldSigner(of);
    const served = await serve(serverOptions(of, signer, { requestCert: false, verify: false }));
    const first = connectTls({ port: served.port, host: "127.0.0.1", ca: ca.cert, servername: "localhost" });
    await new Promise((resolve) => first.once("secureConnect", resolve));
    const gate = Promise.withResolvers<void>();
    signer.go = gate.promise;
    const others = Array.from({ length: MOST_JOBS + 50 }, () => ask(served.port, {}, undefined));
    await until(() => signer.schemes.length === MOST_JOBS + 1, "most of them to be wanted");
    first.write("still here");
    const [echo] = await new Promise<[Buffer]>((resolve) => first.once("data", (bytes: Buffer) => resolve([bytes])));
    expect(echo.toString()).toBe("still here");
    gate.resolve();
    expect(new Set(await Promise.all(others))).toEqual(new Set(["hello by TLSv1.3 false"]));
    first.destroy();
    served.close();
  });

  test("that nobody waits for any more does no harm", async () => {
    const of = ca.issue();
    const signer = new HeldSigner(of);
    const gate = Promise.withResolvers<void>();
    signer.go = gate.promise;
    const served = await serve(serverOptions(of, signer, { requestCert: false, verify: false }));
    const gone = connectTls({ port: served.port, host: "127.0.0.1", rejectUnauthorized: false }).on("error", () => {});
    await until(() => signer.schemes.length === 1, "the signature to be wanted");
    gone.destroy();
    await until(() => served.outcomes.length === 1, "the end");
    expect((served.outcomes[0] as TlsFailure).reason).toBe("handshake_closed");
    gate.resolve();
    expect(await ask(served.port, {}, undefined)).toBe("hello by TLSv1.3 false");
    served.close();
  });

  test("that there is none of fails the handshake, with an alert", async () => {
    const of = ca.issue();
    const signer = new HeldSigner(of);
    signer.refusal = new SignerError("token.busy", "the token is busy");
    const served = await serve(serverOptions(of, signer, { requestCert: false, verify: false }));
    expect(await ask(served.port, {}, undefined)).toContain("INTERNAL_ERROR");
    const [failure] = served.outcomes as [TlsFailure];
    expect(failure).toMatchObject({ reason: "tls_unavailable" });
    expect(failure.message).toContain("the token is busy");
    served.close();
  });
});

test("both sides keep to the groups of the key exchange that they are given", async () => {
  const of = ca.issue();
  const contextOf = (groups: string) =>
    createContext({ material: { cert: of.chain, signer: new HeldSigner(of) }, ca: [ca.cert], groups });
  const served = await serve(handshakeOptions({ context: contextOf("P-384:X25519") }));
  expect(await ask(served.port, { ecdhCurve: "P-384" })).toContain("hello by TLSv1.3");
  expect(await ask(served.port, { ecdhCurve: "P-256" })).toMatch(/handshake.failure/i);
  for (const [groups, agreed] of [
    ["X25519", true],
    ["P-256:P-521", false],
  ] as const) {
    const plain = await dial([{ ip: "127.0.0.1", port: served.port }], 20_000);
    const outcome = await secure(plain, NOTHING, false, handshakeOptions({ context: contextOf(groups) }));
    expect(outcome instanceof TlsFailure).toBe(!agreed);
    if (!(outcome instanceof TlsFailure)) outcome.destroy();
  }
  served.close();
  const postQuantum = expect(() => contextOf("X25519MLKEM768"));
  if (Bun.semver.satisfies((openssl() as Openssl).version, ">=3.5.0")) postQuantum.not.toThrow();
  else postQuantum.toThrow(expect.objectContaining({ code: "tls.groups", exit: 69 }));
});

test("what is in flight arrives, in both directions", async () => {
  const of = ca.issue();
  const served = await serve(serverOptions(of, new HeldSigner(of), { requestCert: false, verify: false }));
  const context = createContext({ material: { cert: of.chain, signer: new HeldSigner(of) }, ca: [ca.cert] });
  const plain = await dial([{ ip: "127.0.0.1", port: served.port }], 20_000);
  const conn = (await secure(plain, NOTHING, false, handshakeOptions({ context }))) as Conn;
  const notes = new Notes();
  conn.attach(notes);
  const size = 16 * 1024 * 1024;
  conn.write(Buffer.alloc(size, "x"));
  conn.end();
  await until(() => notes.closes === 1, "the close");
  expect(notes).toMatchObject({ bytes: size, ended: true, error: undefined });
  served.close();
});
