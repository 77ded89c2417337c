/** Load: holds connections that say nothing, or a byte a second in every phase of a handshake, and reopens what is ended. */
import type { Socket } from "bun";
import { answer, readPlan, type SilentPlan, type SilentResult } from "./plan.ts";

/** Sent at once, then a byte a second of the other. The drip never completes its message within a minute. */
interface Slowness {
  atOnce: Uint8Array;
  drip: Uint8Array;
}

const PARALLEL = 64;
const text = (value: string) => new TextEncoder().encode(value);
const NOTHING = new Uint8Array(0);
const SLOWNESSES: Slowness[] = [
  { atOnce: NOTHING, drip: Uint8Array.of(5, 255, ...new Uint8Array(254)) },
  { atOnce: Uint8Array.of(5, 1, 0), drip: Uint8Array.of(5, 1, 0, 3, 255, ...new Uint8Array(255).fill(97)) },
  { atOnce: NOTHING, drip: Uint8Array.of(4, 1, 0, 80, 0, 0, 0, 1, ...new Uint8Array(255).fill(97)) },
  { atOnce: NOTHING, drip: text(`CONNECT ${"a".repeat(255)}`) },
  { atOnce: text("CONNECT a.example:443 HTTP/1.1\r\n"), drip: text(`X-Slow: ${"a".repeat(255)}`) },
];
const SILENCE: Slowness = { atOnce: NOTHING, drip: NOTHING };

interface State {
  slowness: Slowness;
  dripped: number;
}

const plan = readPlan<SilentPlan>();
const open = new Set<Socket<State>>();
const waiting: Slowness[] = [
  ...Array.from({ length: plan.silent }, () => SILENCE),
  ...Array.from({ length: plan.dripping }, (_, i) => SLOWNESSES[i % SLOWNESSES.length]!),
];
const wanted = waiting.length;
const { promise: full, resolve } = Promise.withResolvers<void>();
let dialing = 0;
let reopened = 0;

/** Keeps a bounded number of connects in the air until all are open; called again whenever one has ended. */
function refill(): void {
  while (dialing < PARALLEL && waiting.length > 0) {
    dialing++;
    const data: State = { slowness: waiting.pop()!, dripped: 0 };
    Bun.connect<State>({
      hostname: "127.0.0.1",
      port: plan.port,
      data,
      socket: { open: opened, data() {}, close, error },
    }).catch(() => {
      dialing--;
      waiting.push(data.slowness);
      setTimeout(refill, 100);
    });
  }
}

function opened(socket: Socket<State>): void {
  dialing--;
  open.add(socket);
  if (socket.data.slowness.atOnce.length > 0) socket.write(socket.data.slowness.atOnce);
  if (open.size === wanted) resolve();
  refill();
}

function close(socket: Socket<State>): void {
  if (!open.delete(socket)) return;
  reopened++;
  waiting.push(socket.data.slowness);
  refill();
}

function error(socket: Socket<State>): void {
  socket.terminate();
}

function drip(): void {
  for (const socket of open) {
    const { slowness, dripped } = socket.data;
    if (dripped === slowness.drip.length) continue;
    socket.write(slowness.drip.subarray(dripped, dripped + 1));
    socket.data.dripped++;
  }
}

refill();
setInterval(drip, 1000);
await Promise.race([full, Bun.sleep(30_000)]);
answer({ held: open.size, reopened } satisfies SilentResult);
await Bun.stdin.text();
answer({ held: open.size, reopened } satisfies SilentResult);
process.exit(0);
