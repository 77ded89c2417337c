/** Load: one-way bulk from the target through a number of tunnels, for a time. */
import { discard } from "./discard.ts";
import { FLOOD, fits } from "./pattern.ts";
import { answer, readPlan, START_MS, type BulkPlan, type BulkResult } from "./plan.ts";
import { tunnelDialer } from "./tunnel.ts";

const plan = readPlan<BulkPlan>();
const dial = tunnelDialer(plan);
const streams = Array.from({ length: plan.connections }, () => ({ received: 0, failed: false }));

for (const stream of streams) {
  dial({
    open: (socket) => void socket.write(Uint8Array.of(FLOOD)),
    data(socket, bytes) {
      stream.failed ||= !fits(stream.received, bytes);
      stream.received += bytes.length;
      if (stream.failed) socket.terminate();
      // What comes next is checked against its place in the whole flood, so nothing can be lost unseen.
      else if (!plan.tls) stream.received += discard((socket as unknown as { fd: number }).fd);
    },
    lost() {
      stream.failed = true;
    },
  });
}

/** The clock starts when all are under way: a slow handshake is another row's business. */
for (const deadline = performance.now() + START_MS; performance.now() < deadline; await Bun.sleep(10)) {
  if (streams.every(({ received, failed }) => failed || received > 0)) break;
}
const received = () => streams.reduce((sum, stream) => sum + stream.received, 0);

await Bun.sleep(plan.warmupMs);
const before = { bytes: received(), time: performance.now() };
await Bun.sleep(plan.durationMs);
const seconds = (performance.now() - before.time) / 1000;
const result: BulkResult = {
  bytesPerSecond: (received() - before.bytes) / seconds,
  totalBytes: received(),
  failures: streams.filter((stream) => stream.failed || stream.received === 0).length,
};
answer(result);
process.exit(0);
