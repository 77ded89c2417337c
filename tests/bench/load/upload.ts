/** Load: one-way bulk to the target through a number of tunnels, for a time. The target counts and checks what arrives. */
import { flood } from "./flood.ts";
import { SINK, TALLY, type Tally } from "./pattern.ts";
import { answer, readPlan, START_MS, type BulkPlan, type BulkResult } from "./plan.ts";
import { tunnelDialer } from "./tunnel.ts";

const plan = readPlan<BulkPlan>();
const ask = await openTally(plan.targetPort);
const first = await ask();
const dial = tunnelDialer(plan);
const streams = Array.from({ length: plan.connections }, () => ({ sent: 0, lost: false }));

for (const stream of streams) {
  dial({
    open(socket) {
      socket.write(Uint8Array.of(SINK));
      flood(socket, stream);
    },
    drain: (socket) => flood(socket, stream),
    // The target says nothing to a flood.
    data: (socket) => socket.terminate(),
    lost() {
      stream.lost = true;
    },
  });
}

/** The clock starts when all are under way: a slow handshake is another row's business. */
for (const deadline = performance.now() + START_MS; performance.now() < deadline; await Bun.sleep(10)) {
  const arrived = (await ask()).connections - first.connections;
  if (arrived + streams.filter(({ lost }) => lost).length >= plan.connections) break;
}
await Bun.sleep(plan.warmupMs);
const before = { ...(await ask()), time: performance.now() };
await Bun.sleep(plan.durationMs);
const last = await ask();
const seconds = (performance.now() - before.time) / 1000;
const lost = streams.filter((stream) => stream.lost).length;
const absent = plan.connections - (last.connections - first.connections);
const result: BulkResult = {
  bytesPerSecond: (last.bytes - before.bytes) / seconds,
  totalBytes: last.bytes - first.bytes,
  failures: Math.min(plan.connections, Math.max(lost, absent) + (last.spoilt - first.spoilt)),
};
answer(result);
process.exit(0);

/** A connection straight to the target, over which it is asked for its tally. One question at a time. */
async function openTally(port: number): Promise<() => Promise<Tally>> {
  let pending = "";
  let resolve: (tally: Tally) => void = () => {};
  const line = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, bytes) {
        pending += bytes.toString("latin1");
        if (!pending.endsWith("\n")) return;
        resolve(JSON.parse(pending) as Tally);
        pending = "";
      },
    },
  });
  return () =>
    new Promise((done) => {
      resolve = done;
      line.write(Uint8Array.of(TALLY));
    });
}
