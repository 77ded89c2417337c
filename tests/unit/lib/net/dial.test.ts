/** Dialing: one candidate, a race of several, what fails and why. Over loopback, or in a network namespace of its own. */
import { afterEach, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { formatAddress } from "../../../../lib/net/conn.ts";
import { abandonedDials, Dialer, DialError, interleave, type Candidate } from "../../../../lib/net/dial.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { NativeConn } from "../../../../lib/net/native-conn.ts";
import { leaveOut } from "../../../support/needs.ts";
import { openBlackHole } from "../../../adversarial/black-hole.ts";
import { dial, Notes, until } from "./support.ts";

setDefaultTimeout(30_000);

/** Needs user namespaces and ip(8). */
function canUnshare(): boolean {
  if (Bun.which("unshare") === null) return false;
  return Bun.spawnSync(["unshare", "--map-root-user", "--net", "ip", "link"]).exitCode === 0;
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server on an address of this host; `accepted` are the sockets that it has now. */
async function listen(host: string, port = 0): Promise<{ candidate: Candidate; accepted: Socket[]; server: Server }> {
  const accepted: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => void accepted.push(socket.on("error", () => {})));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  closing.push(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  const address = server.address() as { port: number };
  return { candidate: { ip: host, port: address.port }, accepted, server };
}

/** A port on which nobody listens. */
async function refused(ip = "127.0.0.1"): Promise<Candidate> {
  const { candidate, server } = await listen(ip);
  await new Promise((resolve) => server.close(resolve));
  return candidate;
}

async function hole(ip = "127.0.0.1"): Promise<Candidate> {
  const { port, close } = await openBlackHole(ip);
  closing.push(close);
  return { ip, port };
}

async function failure(candidates: Candidate[], timeout = 10_000): Promise<DialError> {
  const error = await dial(candidates, timeout).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DialError)) throw new Error("expected a DialError");
  return error;
}

describe("one candidate", () => {
  test("is connected", async () => {
    const { candidate, accepted } = await listen("127.0.0.1");
    const conn = await dial([candidate], 10_000);
    expect(formatAddress(conn.remote)).toBe(`127.0.0.1:${candidate.port}`);
    const notes = new Notes();
    conn.attach(notes);
    await until(() => accepted.length === 1);
    accepted[0]!.write("hello");
    await until(() => notes.text === "hello");
    conn.destroy();
  });

  test("nobody listens: refused", async () => {
    expect((await failure([await refused()])).kind).toBe("refused");
  });

  test("no answer: timeout, and the attempt counts as abandoned until the system ends it", async () => {
    const before = abandonedDials();
    const { port, close } = await openBlackHole();
    expect((await failure([{ ip: "127.0.0.1", port }], 50)).kind).toBe("timeout");
    expect(abandonedDials()).toBe(before + 1);
    // Now the system answers the next attempt with a reset, or takes it: both end it.
    close();
    await until(() => abandonedDials() === before, "the end of the attempt");
  });

  test("that was silent before: an attempt is given up for good, or connects", async () => {
    const before = abandonedDials();
    const { port, close } = await openBlackHole();
    const silent = await new Dialer(50, new KeepAlive(0)).open([{ ip: "127.0.0.1", port }], true);
    expect(silent).toMatchObject({ kind: "timeout" });
    expect(abandonedDials()).toBe(before);
    close();
    const { candidate } = await listen("127.0.0.1");
    const conn = await new Dialer(10_000, new KeepAlive(0)).open([candidate], true);
    expect(conn).toBeInstanceOf(NativeConn);
    (conn as NativeConn).destroy();
  });
});

/** In a network namespace of its own, so that nothing leaves; its routes decide. */
if (!canUnshare()) leaveOut("routes that lead nowhere", ["unshare", "ip"]);
else
  describe("routes that lead nowhere", () => {
    const script = `
    const { Dialer } = await import(${JSON.stringify(join(import.meta.dir, "../../../../lib/net/dial.ts"))});
    const { KeepAlive } = await import(${JSON.stringify(join(import.meta.dir, "../../../../lib/net/keep-alive.ts"))});
    const candidates = process.argv.slice(1).map((ip) => ({ ip, port: 9 }));
    const failed = ({ kind }) => process.exit(console.log(kind));
    new Dialer(20_000, new KeepAlive(0)).dial(candidates, { opened() {}, failed });
  `;
    test.each([
      ["no route", "network_unreachable", ["192.0.2.1"]],
      ["no route to several", "network_unreachable", ["192.0.2.1", "192.0.2.2"]],
      ["no route for IPv6", "network_unreachable", ["2001:db8::1"]],
      ["an unreachable host", "host_unreachable", ["198.51.100.1"]],
      ["a prohibited one", "network_unreachable", ["203.0.113.1"]],
      ["nobody listens", "refused", ["127.0.0.1"]],
      ["nobody listens, by IPv6", "refused", ["::1"]],
    ])("%s: %s", async (_, kind, addresses) => {
      const routes =
        "ip link set lo up; ip route add unreachable 198.51.100.0/24; ip route add prohibit 203.0.113.0/24";
      const shell = ["unshare", "--map-root-user", "--net", "sh", "-c", `${routes}; exec "$0" "$@"`];
      const child = Bun.spawn([...shell, process.execPath, "-e", script, ...addresses], { stdout: "pipe" });
      expect((await new Response(child.stdout).text()).trim()).toBe(kind);
    });
  });

describe("several candidates", () => {
  test("the first that answers, in their order", async () => {
    const first = await listen("127.0.0.1");
    const second = await listen("127.0.0.2");
    const conn = await dial([first.candidate, second.candidate], 10_000);
    expect(formatAddress(conn.remote)).toBe(`127.0.0.1:${first.candidate.port}`);
    conn.destroy();
    expect(second.accepted).toHaveLength(0);
  });

  test("a refusal leads to the next", async () => {
    const second = await listen("127.0.0.2");
    const conn = await dial([await refused(), second.candidate], 10_000);
    expect(formatAddress(conn.remote)).toBe(`127.0.0.2:${second.candidate.port}`);
    conn.destroy();
  });

  test("weakness 6.1.11: after refusals the next is tried at once, not when its turn would come", async () => {
    const last = await listen("127.0.0.2");
    const others = await Promise.all([1, 2, 3].map(() => refused()));
    const { setTimeout: real } = globalThis;
    const delays: number[] = [];
    // What is to begin a quarter of a second later (RFC 8305 section 8) never does.
    const clock = spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, delay: number) => {
      delays.push(delay);
      return real(delay === 250 ? () => {} : run, delay);
    }) as typeof setTimeout);
    const conn = await dial([...others, last.candidate], 20_000).finally(() => clock.mockRestore());
    expect(delays.filter((delay) => delay === 250)).toHaveLength(3);
    expect(formatAddress(conn.remote)).toBe(`127.0.0.2:${last.candidate.port}`);
    conn.destroy();
  });

  test("silence leads to the next, and the silent one is given up", async () => {
    const before = abandonedDials();
    const second = await listen("127.0.0.2");
    const conn = await dial([await hole(), second.candidate], 20_000);
    expect(formatAddress(conn.remote)).toBe(`127.0.0.2:${second.candidate.port}`);
    expect(abandonedDials()).toBe(before);
    conn.destroy();
  });

  test("all refused: the last one's reason", async () => {
    expect((await failure([await refused(), await refused("127.0.0.2")])).kind).toBe("refused");
  });

  test("weakness 6.1.11: all silent: one deadline for all", async () => {
    const error = await failure([await hole(), await hole("127.0.0.2")], 400);
    expect(error.kind).toBe("timeout");
    expect(error.message).toContain("400 ms");
  });

  test("silence and then a refusal: the silent one still has its chance until the deadline", async () => {
    expect((await failure([await hole(), await refused("127.0.0.2")], 600)).kind).toBe("timeout");
  });

  test("a winner works like any other: half-close, bytes both ways", async () => {
    const second = await listen("127.0.0.2");
    const conn = await dial([await refused(), second.candidate], 10_000);
    const notes = new Notes();
    conn.attach(notes);
    await until(() => second.accepted.length === 1);
    const got: string[] = [];
    second.accepted[0]!.on("data", (chunk: Buffer) => void got.push(chunk.toString()));
    conn.write(Buffer.from("question"));
    conn.end();
    await until(() => got.join("") === "question");
    second.accepted[0]!.end("answer");
    await until(() => notes.closes === 1);
    expect(notes.text).toBe("answer");
  });

  test("a loser that was connected too is closed", async () => {
    const [first, second] = [await listen("127.0.0.1"), await listen("127.0.0.2")];
    // Both may be under way when the first answers; whatever was accepted beside it must end.
    const conn = await dial([await hole(), first.candidate, second.candidate], 20_000);
    await Bun.sleep(50);
    for (const socket of second.accepted) await until(() => socket.destroyed || socket.readableEnded);
    expect(formatAddress(conn.remote)).toBe(`127.0.0.1:${first.candidate.port}`);
    conn.destroy();
  });
});

describe("the order of RFC 8305 section 4: families in turn, the first one's first", () => {
  test.each([
    [
      "both",
      ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"],
      ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"],
    ],
    ["IPv4 leads", ["192.0.2.1", "2001:db8::1", "192.0.2.2"], ["192.0.2.1", "2001:db8::1", "192.0.2.2"]],
    ["one family", ["192.0.2.2", "192.0.2.1"], ["192.0.2.2", "192.0.2.1"]],
    ["more of one", ["::1", "::2", "::3", "1.1.1.1"], ["::1", "1.1.1.1", "::2", "::3"]],
    ["nothing", [], []],
  ])("%s", (_, given, expected) => {
    const candidates = given.map((ip) => ({ ip, port: 1 }));
    expect(interleave(candidates).map(({ ip }) => ip)).toEqual(expected);
  });
});
