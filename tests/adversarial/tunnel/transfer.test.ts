/** What goes through both tunnels arrives as it was sent: in bulk both ways at once, after either end has ended, in tiny pieces, and never mixed. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { digestOf, next, pieces, receive, send } from "../../support/bulk.ts";
import { needing } from "../../support/needs.ts";
import { authority, save } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { Scene } from "../../support/scene.ts";
import { Line, type LineOptions } from "./line.ts";

setDefaultTimeout(600_000);

const LONG = process.env["PORTAIL_LONG"] === "1";
const MIB = 1024 * 1024;
const BULK = (LONG ? 1024 : 16) * MIB;
/** More than 511 at once have no room in the queue of a UNIX socket. */
const CONNECTIONS = LONG ? 500 : 120;
const TINY = LONG ? 100_000 : 3000;

const LINES: [name: string, options: LineOptions][] = [
  ["TLS 1.2", { version: "TLS1.2" }],
  ["TLS 1.3", { version: "TLS1.3" }],
  ["UNIX sockets", { unix: true }],
  ["TLS over bytes that were read ahead", { proxied: true }],
];

const digest = (socket: Duplex) => receive(() => next(socket));

describe.each(LINES)("%s", (_, options) => {
  const scene = new Scene();
  afterAll(() => scene.close());
  let line: Line;
  let connections = 0;
  const connect = () => {
    connections++;
    return line.connect();
  };

  test.each(["neither", "near", "far"] as const)("bulk both ways at once, %s ends first", async (first) => {
    line ??= await Line.open(scene, options);
    const { near, far } = await connect();
    const [up, down] = [digest(far), digest(near)];
    await Promise.all([
      send(near, BULK, 1, first === "far" ? down : undefined),
      send(far, BULK, 2, first === "near" ? up : undefined),
    ]);
    expect([await up, await down]).toEqual([digestOf(BULK, 1), digestOf(BULK, 2)]);
  });

  test("the end right after the last byte, while the echo is under way", async () => {
    const { near, far } = await connect();
    const back = digest(near);
    far.pipe(far);
    await send(near, BULK, 3);
    expect(await back).toBe(digestOf(BULK, 3));
  });

  test("either end has ended long before the other begins", async () => {
    const late = async (one: Socket, other: Socket) => {
      const [there, back] = [digest(other), digest(one)];
      await send(one, 1000, 4);
      expect(await there).toBe(digestOf(1000, 4));
      await Bun.sleep(1200);
      await send(other, MIB, 5);
      expect(await back).toBe(digestOf(MIB, 5));
    };
    const [first, second] = [await connect(), await connect()];
    await Promise.all([late(first.near, first.far), late(second.far, second.near)]);
  });

  test("tiny writes of odd sizes stay in order, both ways at once", async () => {
    const { near, far } = await connect();
    const size = Array.from({ length: TINY }, (_, i) => 1 + (i % 13)).reduce((sum, n) => sum + n);
    const trickle = async (socket: Socket, salt: number) => {
      const bytes = Buffer.concat([...pieces(size, salt)]);
      for (let at = 0, i = 0; at < size; at += 1 + (i++ % 13)) {
        socket.write(bytes.subarray(at, at + 1 + (i % 13)));
        if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end();
    };
    const [up, down] = [digest(far), digest(near)];
    await Promise.all([trickle(near, 6), trickle(far, 7)]);
    expect([await up, await down]).toEqual([digestOf(size, 6), digestOf(size, 7)]);
  });

  test(`${CONNECTIONS} connections at once are not mixed`, async () => {
    const size = 96 * 1024;
    // From here on each is an echo.
    line.far.serve((socket) => socket.pipe(socket));
    const salts = Array.from({ length: CONNECTIONS }, (_, i) => 100 + i);
    const echoed = await Promise.all(
      salts.map(async (salt) => {
        const near = await line.near();
        const back = digest(near);
        await send(near, size, salt);
        return back;
      }),
    );
    connections += CONNECTIONS;
    expect(echoed).toEqual(salts.map((salt) => digestOf(size, salt)));
  });

  test("afterwards the counts add up, and nothing is open", async () => {
    await line.settled();
    for (const tunnel of [line.client, line.server]) {
      const { "accept.total": total, "accept.success": success, "conn.lifetime.count": over } = await tunnel.metrics();
      expect([total, success, over]).toEqual([connections, connections, connections]);
      expect(tunnel.log().filter(({ level }) => level !== "info")).toEqual([]);
      expect(await tunnel.stop()).toBe(0);
    }
  });
});

/** Sends random bytes over TLS, then FIN without a word of TLS, and reads on; prints the digests of what went and what came. */
const RAW_END = `
import hashlib, os, socket, ssl, sys, threading
port, version, size, cert, key = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
context.load_cert_chain(cert, key)
arrived, leaving, lock = ssl.MemoryBIO(), ssl.MemoryBIO(), threading.Lock()
tls = context.wrap_bio(arrived, leaving, server_hostname="localhost")
below = socket.create_connection(("127.0.0.1", port))
while True:
    try:
        tls.do_handshake()
        break
    except ssl.SSLWantReadError:
        below.sendall(leaving.read())
        arrived.write(below.recv(65536))
sent, back = hashlib.sha256(), hashlib.sha256()
def send():
    for _ in range(0, size, 65536):
        piece = os.urandom(65536)
        sent.update(piece)
        with lock:
            tls.write(piece)
            records = leaving.read()
        below.sendall(records)
    below.shutdown(socket.SHUT_WR)
sender = threading.Thread(target=send)
sender.start()
got = 0
while got < size and (chunk := below.recv(262144)):
    with lock:
        arrived.write(chunk)
        try:
            while data := tls.read(262144):
                back.update(data)
                got += len(data)
        except ssl.SSLWantReadError:
            pass
sender.join()
print(got, sent.hexdigest(), back.hexdigest())
`;

needing("a client whose TLS ends without a word", ["python3"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test.each(["TLSv1_2", "TLSv1_3"])("%s: FIN after the last byte, and all comes back", async (version) => {
    const line = await Line.open(scene);
    line.far.serve((socket) => socket.pipe(socket));
    const { cert, key } = save(scene, "python", authority().issue({ cn: "alice" }));
    const command = ["python3", "-c", RAW_END, String(line.server.port), version, String(BULK), cert, key];
    const { stdout, stderr } = await run(command, { patience: 300_000 });
    const [size, sent, back] = stdout.trim().split(" ");
    expect({ size, back, stderr }).toEqual({ size: String(BULK), back: sent, stderr: "" });
    await line.settled();
  });
});

describe("--close-timeout", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test.each(["near", "far"] as const)("cuts what goes on after the %s end has ended", async (who) => {
    const args = ["--close-timeout", "300ms"];
    const line = await Line.open(scene, { client: args, server: args });
    const ends = await line.connect();
    const [one, other] = who === "near" ? [ends.near, ends.far] : [ends.far, ends.near];
    one.end("that is all");
    expect(String(await next(other))).toBe("that is all");
    other.write("and yet");
    expect(String(await next(one))).toBe("and yet");
    const cut = [one, other].map((socket) =>
      digest(socket).then(String, (error: Error & { code?: string }) => error.code),
    );
    // The end that never ended sees a reset, as does the one that waited for more.
    expect(await cut[0]).toBe("ECONNRESET");
    await line.settled();
    const reasons = [await line.client.session(), await line.server.session()].map(({ reason }) => reason);
    expect(reasons).toContain("half_closed");
    other.destroy();
  });
});
