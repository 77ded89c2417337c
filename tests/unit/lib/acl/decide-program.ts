/** Decides a million requests by a policy of the size that it is told, between two marks on standard error. Asserts nothing. */
import { writeSync } from "node:fs";
import { policyOf } from "./support.ts";

const [shape, size, wasteful] = process.argv.slice(2);
const hosts = Array.from({ length: Number(size) }, (_, i) => `h${i}.test`);
const text =
  shape === "set"
    ? `policy p { when host in [${hosts.map((host) => `"${host}"`).join(", ")}] action deny }`
    : hosts.map((host, i) => `policy p${i} { when host == "${host}" action deny }`).join("\n");
const policy = policyOf(`${text}\npolicy rest { action allow }`);
const requests = [{ host: hosts.at(-1)! }, { host: "free.test" }];
const outcomes = { deny: 0, allow: 0, redirect: 0, challenge: 0 };
let wasted: unknown;
const decide = (times: number): void => {
  for (let i = 0; i < times; i++) {
    if (wasteful !== undefined) wasted = [i];
    outcomes[policy.decide(requests[i & 1]!).outcome]++;
  }
};

decide(100_000);
Object.assign(outcomes, { deny: 0, allow: 0 });
Bun.gc(true);
writeSync(2, "[begin]\n");
decide(1_000_000);
writeSync(2, "[end]\n");
if (wasted === outcomes) throw new Error("never");
process.stdout.write(`deny ${outcomes.deny}, allow ${outcomes.allow}\n`);
