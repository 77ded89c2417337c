/** Load: opens tunnels, proves each with an echo, says so, and holds them idle until its standard input ends. */
import { echoByte } from "./pattern.ts";
import { answer, readPlan, type HoldPlan, type HoldResult } from "./plan.ts";
import { tunnelDialer } from "./tunnel.ts";

/** Opened at the same time: few, so that no peer's accept queue overflows. */
const PARALLEL = 32;

const plan = readPlan<HoldPlan>();
const dial = tunnelDialer(plan);
const { promise: settled, resolve } = Promise.withResolvers<void>();
let started = 0;
let held = 0;
let failures = 0;

function openNext(): void {
  if (started === plan.tunnels) {
    if (held + failures >= plan.tunnels) resolve();
    return;
  }
  const sent = echoByte(started++);
  let proven = false;
  let counted = false;
  const fail = () => {
    if (counted) return;
    counted = true;
    failures++;
    if (proven) held--;
    openNext();
  };
  dial({
    open: (socket) => void socket.write(Uint8Array.of(sent)),
    data(_, bytes) {
      if (proven || bytes.length !== 1 || bytes[0] !== sent) return fail();
      proven = true;
      held++;
      openNext();
    },
    lost: fail,
  });
}

for (let i = 0; i < Math.min(PARALLEL, plan.tunnels); i++) openNext();
await Promise.race([settled, Bun.sleep(plan.limitMs)]);
const result: HoldResult = { held, failures: plan.tunnels - held };
answer(result);
await Bun.stdin.text();
process.exit(0);
