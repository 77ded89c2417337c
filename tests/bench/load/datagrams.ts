/** Load: datagrams through SOCKS5 associations to an echo and back, as many as go round. Generator and echo are one process that makes few system calls. */
import { connect, type Socket } from "node:net";
import { batch, openUdp, waitFor, type Udp } from "./udp.ts";
import { answer, readPlan, type DatagramPlan, type DatagramResult } from "./plan.ts";

const GREETING = Uint8Array.of(5, 1, 0);
/** UDP ASSOCIATE from any address and port. */
const ASSOCIATE = Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0);
/** Milliseconds without any datagram after which those under way count as lost. */
const LOST_MS = 250;

interface Association {
  tcp: Socket;
  udp: Udp;
  under: number;
}

const plan = readPlan<DatagramPlan>();
const echo = openUdp();
const direct = plan.via === "none";
const header = direct ? [] : [0, 0, 0, 1, 127, 0, 0, 1, echo.port >> 8, echo.port & 255];
const datagram = new Uint8Array(header.length + plan.size).fill(0x5a);
datagram.set(header);
const outgoing = batch(plan.window, datagram.length, datagram);
const incoming = batch(plan.window, 2048);
const echoed = batch(64, 2048);

const result: DatagramResult = { perSecond: 0, total: 0, lost: 0, failures: 0 };
const associations = await openAll();
if (associations.length > 0) {
  run(plan.warmupMs);
  const before = result.total;
  const seconds = run(plan.durationMs);
  result.perSecond = (result.total - before) / seconds;
}
answer(result);
process.exit(0);

async function openAll(): Promise<Association[]> {
  const all: Association[] = [];
  for (let i = 0; i < plan.associations; i++) {
    const udp = openUdp();
    const tcp = connect(plan.port, "127.0.0.1");
    try {
      const relay = direct ? echo.port : await associate(tcp);
      udp.connect(relay);
      all.push({ tcp, udp, under: 0 });
    } catch {
      result.failures++;
    }
  }
  return all;
}

async function associate(tcp: Socket): Promise<number> {
  tcp.on("error", () => {});
  tcp.write(GREETING);
  const [chosen] = await bytesOf(tcp, 2);
  if (chosen !== 5) throw new Error("no SOCKS5");
  tcp.write(ASSOCIATE);
  const reply = await bytesOf(tcp, 10);
  if (reply[1] !== 0) throw new Error(`reply ${reply[1]}`);
  return reply[8]! * 256 + reply[9]!;
}

async function bytesOf(tcp: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = tcp.read(length) as Buffer | null;
    if (bytes !== null) return bytes;
    if (tcp.destroyed) throw new Error("closed");
    await new Promise((resolve) => tcp.once("readable", resolve).once("close", resolve));
  }
}

/** Keeps a window of datagrams under way on each association; the seconds that it took. */
function run(ms: number): number {
  const start = performance.now();
  let last = start;
  for (;;) {
    const now = performance.now();
    if (now - start >= ms) return (now - start) / 1000;
    let moved = 0;
    for (const one of associations) {
      if (one.under < plan.window) one.under += one.udp.send(outgoing, plan.window - one.under);
    }
    for (let got = echo.receive(echoed, 64); got > 0; got = echo.receive(echoed, 64)) {
      moved += got;
      echo.reply(echoed, got);
    }
    for (const one of associations) {
      const got = one.udp.receive(incoming, plan.window);
      one.under = Math.max(0, one.under - got);
      result.total += got;
      moved += got;
    }
    if (moved > 0) last = now;
    else if (now - last > LOST_MS) {
      for (const one of associations) {
        result.lost += one.under;
        one.under = 0;
      }
      last = now;
    } else waitFor([echo, ...associations.map(({ udp }) => udp)], 5);
  }
}
