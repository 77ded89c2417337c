/** Load: round trips of one byte, in turns of equal length straight to the target and through the proxy. */
import type { Socket } from "bun";
import { quantile } from "../support/stats.ts";
import { echoByte } from "./pattern.ts";
import { answer, readPlan, type LatencyPlan, type LatencyResult, type Percentiles } from "./plan.ts";
import { tunnelDialer, type Route, type TunnelState } from "./tunnel.ts";

/** Round trips per turn: short against any drift of the machine, long against the change of turns. */
const TURN = 250;

const plan = readPlan<LatencyPlan>();
const deadline = performance.now() + plan.limitMs;
let failures = 0;

interface Line {
  /** Echoes `count` bytes one after the other; the times in microseconds are appended to `into`. */
  run(count: number, into: number[] | undefined): Promise<void>;
}

const direct = await openLine({ via: "none", port: plan.targetPort, targetPort: plan.targetPort });
const proxied = await openLine(plan);
await direct.run(plan.warmup, undefined);
await proxied.run(plan.warmup, undefined);
const times = { direct: [] as number[], proxied: [] as number[] };
while (times.proxied.length < plan.echoes && performance.now() < deadline) {
  await direct.run(TURN, times.direct);
  await proxied.run(TURN, times.proxied);
}
const result: LatencyResult = {
  direct: percentiles(times.direct),
  proxied: percentiles(times.proxied),
  echoes: times.proxied.length,
  failures,
};
finish(result);

/** A lost line or a wrong echo ends the run: what is left of it would not be comparable. */
function openLine(route: Route): Promise<Line> {
  const { promise, resolve } = Promise.withResolvers<Line>();
  let line: Socket<TunnelState>;
  let sentAt = 0;
  let left = 0;
  let record: number[] | undefined;
  let over = () => {};
  const send = () => {
    sentAt = performance.now();
    line.write(Uint8Array.of(echoByte(left)));
  };
  tunnelDialer(route)({
    open(socket) {
      line = socket;
      resolve({
        run(count, into) {
          record = into;
          left = count;
          return new Promise((done) => {
            over = done;
            send();
          });
        },
      });
    },
    data(_, bytes) {
      const elapsed = performance.now() - sentAt;
      if (bytes.length !== 1 || bytes[0] !== echoByte(left)) return fail();
      record?.push(elapsed * 1000);
      if (--left > 0 && performance.now() < deadline) send();
      else over();
    },
    lost: fail,
  });
  return promise;
}

function fail(): void {
  failures++;
  finish({ direct: percentiles([]), proxied: percentiles([]), echoes: 0, failures });
}

function finish(outcome: LatencyResult): void {
  answer(outcome);
  process.exit(0);
}

function percentiles(list: number[]): Percentiles {
  const sorted = Float64Array.from(list).sort();
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}
