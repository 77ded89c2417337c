/** Load: connect, handshake, echo of one byte, close, as often as a number of parallel clients can. */
import type { Socket } from "bun";
import { echoByte } from "./pattern.ts";
import { answer, readPlan, type RatePlan, type RateResult } from "./plan.ts";
import { tunnelDialer, type TunnelState } from "./tunnel.ts";

/** A client that waited this long for its echo has failed. */
const PATIENCE_MS = 5_000;

const plan = readPlan<RatePlan>();
const dial = tunnelDialer(plan);
let done = 0;
let failures = 0;
let stopped = false;

interface Attempt {
  since: number;
  socket?: Socket<TunnelState>;
  over: boolean;
}

const attempts: Attempt[] = Array.from({ length: plan.parallel }, () => ({ since: 0, over: true }));

/** One client: an attempt, and when it is over the next. A failed one pauses, so that a dead proxy is not hammered. */
function run(client: number): void {
  if (stopped) return;
  const attempt: Attempt = { since: performance.now(), over: false };
  attempts[client] = attempt;
  const sent = echoByte(done);
  const finish = (succeeded: boolean) => {
    if (attempt.over) return;
    attempt.over = true;
    if (succeeded) done++;
    else failures++;
    if (succeeded) run(client);
    else setTimeout(run, 10, client);
  };
  dial({
    open(socket) {
      attempt.socket = socket;
      socket.write(Uint8Array.of(sent));
    },
    data(socket, bytes) {
      // Before the end, which reports the tunnel as lost at once.
      finish(bytes.length === 1 && bytes[0] === sent);
      socket.end();
    },
    lost: () => finish(false),
  });
}

const patience = setInterval(() => {
  for (const [client, attempt] of attempts.entries()) {
    if (attempt.over || performance.now() - attempt.since < PATIENCE_MS) continue;
    attempt.over = true;
    attempt.socket?.terminate();
    failures++;
    run(client);
  }
}, 500);

for (let client = 0; client < plan.parallel; client++) run(client);
const started = { done, time: performance.now() };
await Bun.sleep(plan.warmupMs);
if (plan.tellsWarm) answer(since(started));
const before = { done, time: performance.now() };
await Bun.sleep(plan.durationMs);
const result = since(before);
stopped = true;
clearInterval(patience);
answer(result);
process.exit(0);

function since(before: { done: number; time: number }): RateResult {
  const seconds = (performance.now() - before.time) / 1000;
  return { perSecond: (done - before.done) / seconds, total: done, failures };
}
