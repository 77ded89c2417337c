/** The process that is measured: loads one policy, decides requests, and prints what that took as JSON. Judges nothing. */
import { readFileSync } from "node:fs";
import type { Facts } from "../../../lib/acl/facts.ts";
import type { Guard } from "../../../lib/acl/guard.ts";
import { loadPolicy } from "../../../lib/acl/load.ts";
import type { Policy } from "../../../lib/acl/policy.ts";
import { Random } from "../../support/random.ts";
import { hostsFile, networks, randomRequests, request } from "./data.ts";

export interface Plan {
  /** The policy file. */
  path: string;
  requests: "hosts" | "networks" | "random";
  /** Of the list of hosts or networks. */
  size: number;
}

/** Times of single decisions in nanoseconds, the clock's own cost of some 30 ns included. */
export interface Taken {
  loadMs: number;
  /** Bytes of resident memory that loading added, after a collection. */
  loadBytes: number;
  p50: number;
  p99: number;
  /** The greatest of the medians of all requests: the worst case, without what the machine adds. */
  worst: number;
}

const GUARD: Guard = { own: [], resolvedBy: "us" };
const ROUNDS = 41;
const WARM_UP = 200_000;

const plan = JSON.parse(process.argv[2]!) as Plan;
// The loader's code is warm before it is timed, as after a first reload; the list is not.
loadPolicy("warm", () => 'policy a { when host == "a.test" action deny }');
Bun.gc(true);
const before = process.memoryUsage.rss();
const started = performance.now();
const { policy } = loadPolicy(plan.path, (path) => readFileSync(path), { digest: sha256 });
const loadMs = performance.now() - started;
if (policy === undefined) throw new Error("the policy is broken");
Bun.gc(true);
const loadBytes = process.memoryUsage.rss() - before;
const taken: Taken = { loadMs, loadBytes, ...decide(policy, requestsOf(plan)) };
process.stdout.write(`${JSON.stringify(taken)}\n`);

/** As the commands name a policy set. */
function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

function requestsOf({ requests, size }: Plan): Facts[] {
  const random = new Random(7);
  if (requests === "random") return randomRequests(2000);
  const list = requests === "hosts" ? hostsFile(size).names : networks(size);
  return Array.from({ length: 4000 }, (_, i) => {
    const hit = i % 2 === 0;
    if (requests === "hosts") return request(hit ? random.pick(list) : `free${i}.example.org`, 443, "203.0.113.9");
    const ip = hit ? random.pick(list).replace(/\/.*$/, "") : `198.51.${random.below(256)}.${random.below(256)}`;
    return request("a.example", 443, ip);
  });
}

function decide(policy: Policy, requests: readonly Facts[]): Pick<Taken, "p50" | "p99" | "worst"> {
  for (let i = 0; i < WARM_UP; i++) policy.decide(requests[i % requests.length]!, GUARD);
  const times = new Float64Array(requests.length * ROUNDS);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < requests.length; i++) {
      const facts = requests[i]!;
      const from = Bun.nanoseconds();
      policy.decide(facts, GUARD);
      times[i * ROUNDS + round] = Bun.nanoseconds() - from;
    }
  }
  let worst = 0;
  for (let i = 0; i < requests.length; i++) {
    const own = times.slice(i * ROUNDS, (i + 1) * ROUNDS).toSorted();
    worst = Math.max(worst, own[ROUNDS >> 1]!);
  }
  const all = times.toSorted();
  return { p50: all[all.length >> 1]!, p99: all[Math.floor(all.length * 0.99)]!, worst };
}
